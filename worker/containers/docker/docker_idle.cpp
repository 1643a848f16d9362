// The part of DockerDriver that freezes, thaws and measures. Both ways lead to the same freezer:
// the control group's files when they are in reach, else the engine, which writes them for us.

#include "worker/containers/docker/docker_driver.hpp"
#include "worker/containers/docker/json_fields.hpp"
#include "worker/containers/docker/stats_body.hpp"

namespace stoker {

Task<Result<DockerDriver::CgroupRef>> DockerDriver::cgroup_of(std::string id, Deadline deadline) {
    const auto known = cgroups_.known(id);
    if (known && known->looked_for) co_return known->cgroup;
    const auto answer = co_await engine_.call("GET", container_path(id, "/json"), {}, deadline);
    if (!answer) co_return fail(answer.error());
    const auto container = nlohmann::json::parse(answer->body, nullptr, false);
    const auto pid = static_cast<int>(integer_at(object_at(container, "State"), "Pid"));
    // What is to be known about a container that does not run is not worth remembering.
    if (answer->status != 200 || pid <= 0) co_return CgroupRef();
    // Its group is named after the engine's id, and `id` may be our name.
    co_return cgroups_.look_for(id, {.pid = pid, .id = text_at(container, "Id")});
}

void DockerDriver::has_process(const std::string& id, int pid) {
    cgroups_.look_for(id, {.pid = pid, .id = id});
}

Task<Result<void>> DockerDriver::freeze(std::string id, Deadline deadline) {
    const auto cgroup = co_await cgroup_of(id, deadline);
    if (!cgroup) co_return fail(cgroup.error());
    if (*cgroup) {
        cgroups_.froze(id, true);
        co_return co_await (*cgroup)->freeze(deadline);
    }
    auto answer = co_await engine_.call("POST", container_path(id, "/pause"), {}, deadline);
    if (!answer) co_return fail(std::move(answer.error()));
    if (answer->status == 204 || engine_message(answer->body).contains("already paused")) {
        co_return Result<void>();
    }
    co_return refused("pause container", *answer);
}

Task<Result<void>> DockerDriver::thaw(std::string id, Deadline deadline) {
    const auto known = cgroups_.known(id);
    if (known && known->cgroup) {
        auto thawed = known->cgroup->thaw();
        if (thawed) cgroups_.froze(id, false);
        co_return thawed;
    }
    auto answer = co_await engine_.call("POST", container_path(id, "/unpause"), {}, deadline);
    if (!answer) co_return fail(std::move(answer.error()));
    if (answer->status == 204 || engine_message(answer->body).contains("not paused")) {
        co_return Result<void>();
    }
    co_return refused("unpause container", *answer);
}

Task<> DockerDriver::thaw_before_its_end(std::string id, Deadline deadline) {
    const auto known = cgroups_.known(id);
    if (known && !known->frozen) co_return;
    // Frozen by us, or by an earlier life of ours: the engine does not know.
    const auto cgroup = co_await cgroup_of(id, deadline);
    if (!cgroup || !*cgroup || !(*cgroup)->is_frozen()) co_return;
    if ((*cgroup)->thaw()) cgroups_.froze(id, false);
}

void DockerDriver::thaw_if_frozen(const std::string& id) {
    const auto known = cgroups_.known(id);
    if (!known || !known->frozen || !known->cgroup) return;
    if (known->cgroup->thaw()) cgroups_.froze(id, false);
}

std::optional<ContainerStats> DockerDriver::stats_now(const std::string& id) {
    const auto known = cgroups_.known(id);
    if (!known || !known->cgroup) return std::nullopt;
    return known->cgroup->stats();
}

Task<Result<ContainerStats>> DockerDriver::stats(std::string id, Deadline deadline) {
    const auto cgroup = co_await cgroup_of(id, deadline);
    if (!cgroup) co_return fail(cgroup.error());
    if (*cgroup) co_return (*cgroup)->stats();
    auto answer = co_await engine_.call(
        "GET", container_path(id, "/stats?stream=false&one-shot=true"), {}, deadline
    );
    if (!answer) co_return fail(std::move(answer.error()));
    if (answer->status != 200) co_return refused("container stats", *answer);
    co_return stats_from(answer->body);
}

}  // namespace stoker
