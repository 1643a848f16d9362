#include "worker/memory.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace stoker {

namespace {

namespace fs = std::filesystem;
constexpr std::int64_t mb = 1024 * 1024;

/// A cgroup file with one number; "max" and unreadable files are no limit.
std::int64_t read_limit_bytes(const fs::path& file) {
    std::int64_t bytes = 0;
    std::ifstream in(file);
    if (in >> bytes && bytes > 0) return bytes;
    return std::numeric_limits<std::int64_t>::max();
}

std::optional<std::int64_t> read_available_bytes(const fs::path& root) {
    std::ifstream in(root / "proc/meminfo");
    std::string line;
    while (std::getline(in, line)) {
        if (!line.starts_with("MemAvailable:")) continue;
        return std::stoll(line.substr(line.find(':') + 1)) * 1024;
    }
    return std::nullopt;
}

/// The tightest limit on the way from our own cgroup to the root, in either hierarchy version.
std::int64_t cgroup_limit_bytes(const fs::path& root) {
    auto limit = std::numeric_limits<std::int64_t>::max();
    const auto walk = [&](const fs::path& mount, std::string own, const char* file) {
        for (;;) {
            limit = std::min(limit, read_limit_bytes(mount / own / file));
            if (own.empty()) break;
            const auto slash = own.rfind('/');
            own = slash == std::string::npos ? std::string{} : own.substr(0, slash);
        }
    };
    std::ifstream in(root / "proc/self/cgroup");
    std::string line;  // "4:memory:/path" (v1) or "0::/path" (v2)
    while (std::getline(in, line)) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const auto controllers = line.substr(first + 1, second - first - 1);
        auto own = line.substr(second + 1);
        own.erase(0, own.find_first_not_of('/'));
        if (controllers == "memory") {
            walk(root / "sys/fs/cgroup/memory", own, "memory.limit_in_bytes");
        } else if (controllers.empty()) {
            walk(root / "sys/fs/cgroup", own, "memory.max");
        }
    }
    return limit;
}

}  // namespace

std::optional<std::int64_t> detect_memory_mb(const fs::path& root, std::int64_t limit_mb) {
    const auto available = read_available_bytes(root);
    if (!available) return std::nullopt;
    const auto bytes = std::min(*available, cgroup_limit_bytes(root));
    const auto headroom = std::clamp(bytes / 10, 256 * mb, 5 * 1024 * mb);
    auto total = (bytes - headroom) / mb;
    if (limit_mb > 0) total = std::min(total, limit_mb);
    if (total <= 0) return std::nullopt;
    return total;
}

std::uint32_t pull_credit(
    std::int64_t total_mb, std::int64_t used_mb, std::int64_t smallest_mb, std::uint32_t pull_max
) {
    const auto free_half = total_mb / 2 - used_mb;
    if (free_half < 0) return 0;
    const auto fits = std::max<std::int64_t>(1, free_half / std::max<std::int64_t>(1, smallest_mb));
    return static_cast<std::uint32_t>(std::min<std::int64_t>(fits, pull_max));
}

}  // namespace stoker
