#pragma once

// The control groups of one running container, written and read directly: freezing takes
// microseconds where the engine's pause takes tens of milliseconds. Found through the container's
// process, so it is there only if the engine runs on this machine and we may write. Immutable;
// thread-safe.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/async/task.hpp"
#include "model/error.hpp"
#include "worker/containers/cgroup/cgroup_mounts.hpp"
#include "worker/containers/container_spec.hpp"

namespace stoker {

class Cgroup {
public:
    /// Null when its freezer cannot be written from here. `pid` is of a process of the container,
    /// `root` the one the mounts were read from.
    static std::shared_ptr<const Cgroup> find(
        const CgroupMounts& mounts,
        int pid,
        std::string_view container_id,
        const std::filesystem::path& root
    );

    /// Until every process of it stands still. An Error at the deadline, and then nothing is
    /// frozen.
    Task<Result<void>> freeze(Deadline deadline) const;
    /// Its processes run on when this returns.
    Result<void> thaw() const;
    /// Frozen or about to be.
    bool is_frozen() const;

    /// Files that are not there count as zero.
    ContainerStats stats() const;

private:
    struct Files {
        std::filesystem::path freezer;  ///< written to
        std::filesystem::path state;    ///< read to know whether it is in force
        std::filesystem::path cpu;
        std::filesystem::path memory_peak;
        std::filesystem::path disk;
        std::filesystem::path net;
        bool unified = false;
        bool unified_cpu = false;
        bool unified_disk = false;
    };
    explicit Cgroup(Files files) : files_(std::move(files)) {}
    bool stands_still() const;

    const Files files_;
};

}  // namespace stoker
