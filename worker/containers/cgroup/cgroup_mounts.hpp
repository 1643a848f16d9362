#pragma once

// Where this machine mounts its control groups: version 1 (a hierarchy for each controller),
// version 2 (one for all), or both side by side. Read once, immutable. No more than file names:
// whether a group is there and may be written is found out by who uses it.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stoker {

class CgroupMounts {
public:
    /// From `root`/proc/self/mountinfo; `root` is "/" but in tests. What cannot be read is not
    /// there.
    static CgroupMounts read(const std::filesystem::path& root);

    struct Group {
        std::filesystem::path folder;
        bool unified = false;  ///< version 2
    };
    /// Of a process, from the text of /proc/<pid>/cgroup, the group that a controller governs,
    /// provided that its path names `container_id`: another's must never be touched. With both
    /// versions mounted the controller's own hierarchy of version 1 goes first.
    std::optional<Group> group_of(
        std::string_view proc_cgroup, std::string_view controller, std::string_view container_id
    ) const;

private:
    struct Mount {
        std::filesystem::path point;
        std::string mounted;  ///< the path within the hierarchy that is at `point`
        std::vector<std::string> controllers;
        bool unified = false;
    };
    std::optional<std::filesystem::path> folder_at(const Mount& mount, std::string_view path) const;

    std::vector<Mount> mounts_;
};

}  // namespace stoker
