#include "worker/containers/docker/docker_driver.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

#include "worker/containers/docker/create_body.hpp"
#include "worker/containers/docker/docker_streams.hpp"
#include "worker/containers/docker/json_fields.hpp"

namespace stoker {

namespace {

using Json = nlohmann::json;

constexpr Millis reconnect_first{100};
constexpr Millis reconnect_max{5000};

Json parsed(const HttpAnswer& answer) { return Json::parse(answer.body, nullptr, false); }

}  // namespace

Task<Result<void>> DockerDriver::ping(Deadline deadline) {
    co_return co_await engine_.ping(deadline);
}

Task<Result<std::vector<std::string>>> DockerDriver::list_leftovers(
    std::string instance, Deadline deadline
) {
    const Json filters{{"label", {std::string(label_instance) + "=" + instance}}};
    auto answer = co_await engine_.call(
        "GET", "/containers/json?all=1&filters=" + percent_encode(filters.dump()), {}, deadline
    );
    if (!answer) co_return fail(std::move(answer.error()));
    if (answer->status != 200) co_return refused("list containers", *answer);
    std::vector<std::string> names;
    for (const auto& container : parsed(*answer)) {
        const auto found = texts_at(container, "Names");  // "/name"; none while it is removed
        names.push_back(found.empty() ? text_at(container, "Id") : found.front().substr(1));
    }
    co_return names;
}

Task<Result<std::string>> DockerDriver::create(ContainerSpec spec, Deadline deadline) {
    if (!parse_image_reference(spec.image)) {
        co_return fail(Errc::image_not_found, {}, "invalid reference format");
    }
    auto answer = co_await post_create(spec, deadline);
    if (!answer) co_return fail(std::move(answer.error()));
    if (answer->status == 404 && engine_message(answer->body).contains("o such image")) {
        co_return fail(Errc::image_not_found, {}, engine_message(answer->body));
    }
    if (answer->status != 201) co_return refused("create container", *answer);
    auto id = text_at(parsed(*answer), "Id");
    if (id.empty()) co_return fail(Errc::internal, {}, "create container: no id: " + answer->body);
    co_return id;
}

Task<Result<HttpAnswer>> DockerDriver::post_create(const ContainerSpec& spec, Deadline deadline) {
    const auto path = "/containers/create?name=" + percent_encode(spec.name);
    const CreateOptions options{.swappiness = !swappiness_refused_.load()};
    auto answer = co_await engine_.call("POST", path, create_body(spec, options), deadline);
    const bool swappiness_refused = answer && answer->status >= 400 && options.swappiness &&
                                    engine_message(answer->body).contains("wappiness");
    if (!swappiness_refused) co_return answer;
    swappiness_refused_ = true;
    co_return co_await engine_.call(
        "POST", path, create_body(spec, {.swappiness = false}), deadline
    );
}

Task<Result<void>> DockerDriver::start(std::string id, Deadline deadline) {
    auto answer = co_await engine_.call("POST", container_path(id, "/start"), {}, deadline);
    if (!answer) co_return fail(std::move(answer.error()));
    if (answer->status == 204 || answer->status == 304) {  // 304: it runs
        cgroups_.started(id);
        // Looked for now, while its function comes up, so that freezing needs no engine later on.
        co_await cgroup_of(std::move(id), std::min(deadline, deadline_in(EngineTimes{}.ping)));
        co_return Result<void>();
    }
    // The engine's word for an entrypoint that is missing or not executable: the image's fault.
    if (answer->status == 400) {
        co_return fail(Errc::init_failed, {}, engine_message(answer->body));
    }
    co_return refused("start container", *answer);
}

Task<Result<std::unique_ptr<ContainerStreams>>> DockerDriver::attach(
    std::string id, AttachOptions options, Deadline deadline
) {
    const auto path = std::string("/attach?stream=1") + (options.input ? "&stdin=1" : "") +
                      (options.output ? "&stdout=1" : "") + (options.error ? "&stderr=1" : "");
    auto upgraded = co_await engine_.hijack(container_path(id, path), deadline);
    if (!upgraded) co_return fail(std::move(upgraded.error()));
    if (!upgraded->connection) co_return refused("attach to container", upgraded->answer);
    co_return std::make_unique<DockerStreams>(std::move(*upgraded->connection));
}

Task<Result<ExitStatus>> DockerDriver::wait(std::string id, Deadline deadline) {
    ExitStatus exit;
    for (auto pause = reconnect_first;; pause = std::min(pause * 2, reconnect_max)) {
        auto answer = co_await engine_.call("POST", container_path(id, "/wait"), {}, deadline);
        if (answer && answer->status == 404) co_return exit;
        if (answer && answer->status == 200) {
            const auto status = parsed(*answer);
            if (status.is_object() && object_at(status, "Error").empty()) {
                exit.code = static_cast<int>(integer_at(status, "StatusCode"));
                co_return exit;
            }
        }
        thaw_if_frozen(id);
        // The engine went away or stumbled; the container may live on without it (live restore), so
        // only the engine's next word counts. A container that exited meanwhile answers at once.
        if (deadline != Deadline::max() && deadline_in(pause) >= deadline) {
            if (!answer) co_return fail(std::move(answer.error()));
            co_return refused("wait for container", *answer);
        }
        exit.engine_was_away = true;
        co_await sleep_for(pause);
    }
}

Task<Result<std::optional<ContainerState>>> DockerDriver::inspect(
    std::string id, Deadline deadline
) {
    auto answer = co_await engine_.call("GET", container_path(id, "/json"), {}, deadline);
    if (!answer) co_return fail(std::move(answer.error()));
    if (answer->status == 404) co_return std::nullopt;
    if (answer->status != 200) co_return refused("inspect container", *answer);
    const auto container = parsed(*answer);
    const auto& state = object_at(container, "State");
    co_return ContainerState{
        .running = flag_at(state, "Running"),
        .pid = static_cast<int>(integer_at(state, "Pid")),
        .exit_code = static_cast<int>(integer_at(state, "ExitCode")),
        .oom_killed = flag_at(state, "OOMKilled"),
        .error = text_at(state, "Error"),
    };
}

Task<Result<void>> DockerDriver::kill(std::string id, std::string signal, Deadline deadline) {
    co_await thaw_before_its_end(id, deadline);
    auto answer = co_await engine_.call(
        "POST", container_path(id, "/kill?signal=" + percent_encode(signal)), {}, deadline
    );
    if (!answer) co_return fail(std::move(answer.error()));
    // 409: it is not running; 404: it does not exist.
    if (answer->status == 204 || answer->status == 409 || answer->status == 404) {
        co_return Result<void>();
    }
    co_return refused("kill container", *answer);
}

Task<Result<void>> DockerDriver::remove(std::string id, Deadline deadline) {
    co_await thaw_before_its_end(id, deadline);
    auto answer =
        co_await engine_.call("DELETE", container_path(id, "?force=true&v=true"), {}, deadline);
    if (!answer) co_return fail(std::move(answer.error()));
    const bool gone =
        answer->status == 204 || answer->status == 404 ||
        (answer->status == 409 && engine_message(answer->body).contains("already in progress"));
    if (!gone) co_return refused("remove container", *answer);
    cgroups_.forget(id);
    co_return Result<void>();
}

}  // namespace stoker
