#pragma once

// What a driver knows about the control groups of its containers: each is looked for once, at its
// start, and remembered until the container is removed, with whether we froze it. Thread-safe.

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "worker/containers/cgroup/cgroup.hpp"

namespace stoker {

class ContainerCgroups {
public:
    /// `root` is "/" but in tests; empty: none is in reach and everything goes through the engine.
    explicit ContainerCgroups(std::filesystem::path root);

    struct Known {
        bool looked_for = false;
        std::shared_ptr<const Cgroup> cgroup;  ///< null: out of reach
        bool frozen = false;                   ///< by us, through it
    };
    /// Empty for a container that was not started in this life.
    std::optional<Known> known(const std::string& id) const;
    void started(const std::string& id);
    struct Process {
        int pid = 0;
        std::string id;  ///< of its container, as its groups are named
    };
    /// Remembers under `id` what it finds.
    std::shared_ptr<const Cgroup> look_for(const std::string& id, const Process& process);
    void froze(const std::string& id, bool frozen);
    void forget(const std::string& id);

private:
    const std::filesystem::path root_;
    const CgroupMounts mounts_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, Known> known_;
};

}  // namespace stoker
