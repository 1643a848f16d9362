#include "worker/containers/cgroup/cgroup_mounts.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace stoker {

namespace {

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    for (;;) {
        const auto end = text.find(at);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

bool contains(const std::vector<std::string>& list, std::string_view word) {
    return std::ranges::find(list, word) != list.end();
}

}  // namespace

CgroupMounts CgroupMounts::read(const std::filesystem::path& root) {
    CgroupMounts found;
    std::ifstream file(root / "proc/self/mountinfo");
    // <id> <parent> <device> <mounted> <point> <options> [fields...] - <type> <source> <options>
    for (std::string line; std::getline(file, line);) {
        const auto dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        const auto front = split(std::string_view(line).substr(0, dash), ' ');
        const auto back = split(std::string_view(line).substr(dash + 3), ' ');
        if (front.size() < 5 || back.size() < 3 || !back[0].starts_with("cgroup")) continue;
        found.mounts_.push_back({
            .point = root / std::filesystem::path(front[4]).relative_path(),
            .mounted = front[3],
            .controllers = split(back[2], ','),
            .unified = back[0] == "cgroup2",
        });
    }
    return found;
}

std::optional<std::filesystem::path> CgroupMounts::folder_at(
    const Mount& mount, std::string_view path
) const {
    // A container of ours may see a part of the hierarchy only.
    if (mount.mounted != "/") {
        if (!path.starts_with(mount.mounted)) return std::nullopt;
        path.remove_prefix(mount.mounted.size());
        if (!path.empty() && path.front() != '/') return std::nullopt;
    }
    if (path.contains("..")) return std::nullopt;  // outside of what our namespace shows
    return mount.point / std::filesystem::path(path).relative_path();
}

std::optional<CgroupMounts::Group> CgroupMounts::group_of(
    std::string_view proc_cgroup, std::string_view controller, std::string_view container_id
) const {
    if (container_id.empty()) return std::nullopt;
    std::optional<Group> unified;
    // <hierarchy>:<controllers>:<path>, where version 2 has neither number nor controllers.
    for (const auto& line : split(proc_cgroup, '\n')) {
        const auto first = line.find(':');
        const auto second = line.find(':', first == std::string::npos ? first : first + 1);
        if (second == std::string::npos) continue;
        const auto controllers =
            split(std::string_view(line).substr(first + 1, second - first - 1), ',');
        const auto path = std::string_view(line).substr(second + 1);
        const bool is_unified = line.starts_with("0::");
        if (!path.contains(container_id)) continue;
        if (!is_unified && !contains(controllers, controller)) continue;
        for (const auto& mount : mounts_) {
            if (mount.unified != is_unified) continue;
            if (!is_unified && !contains(mount.controllers, controller)) continue;
            auto folder = folder_at(mount, path);
            if (!folder) continue;
            if (!is_unified) return Group{std::move(*folder), false};
            unified = Group{std::move(*folder), true};
        }
    }
    return unified;
}

}  // namespace stoker
