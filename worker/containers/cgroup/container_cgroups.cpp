#include "worker/containers/cgroup/container_cgroups.hpp"

namespace stoker {

ContainerCgroups::ContainerCgroups(std::filesystem::path root) :
    root_(std::move(root)),
    mounts_(root_.empty() ? CgroupMounts() : CgroupMounts::read(root_)) {}

std::optional<ContainerCgroups::Known> ContainerCgroups::known(const std::string& id) const {
    const std::scoped_lock lock(mutex_);
    const auto found = known_.find(id);
    if (found == known_.end()) return std::nullopt;
    return found->second;
}

void ContainerCgroups::started(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    known_.try_emplace(id);
}

std::shared_ptr<const Cgroup> ContainerCgroups::look_for(
    const std::string& id, const Process& process
) {
    auto cgroup = Cgroup::find(mounts_, process.pid, process.id, root_);
    const std::scoped_lock lock(mutex_);
    auto& known = known_[id];
    known.looked_for = true;
    known.cgroup = cgroup;
    return cgroup;
}

void ContainerCgroups::froze(const std::string& id, bool frozen) {
    const std::scoped_lock lock(mutex_);
    const auto found = known_.find(id);
    if (found != known_.end()) found->second.frozen = frozen;
}

void ContainerCgroups::forget(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    known_.erase(id);
}

}  // namespace stoker
