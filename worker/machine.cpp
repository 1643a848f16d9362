#include "worker/machine.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace stoker {

namespace {

namespace fs = std::filesystem;
constexpr std::int64_t mb = 1024 * 1024;
/// Where no limit is set, version 1 shows numbers near 2^63. Above this, none is meant.
constexpr std::int64_t limit_bytes_max = 300LL * 1024 * mb;
constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

/// The first number of a file; "max", what is no positive number and unreadable files are empty.
std::optional<std::int64_t> read_positive(std::istream& in) {
    std::string word;
    if (!(in >> word)) return std::nullopt;
    std::int64_t value = 0;
    const auto [end, bad] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (bad != std::errc{} || end != word.data() + word.size() || value <= 0) return std::nullopt;
    return value;
}

std::optional<std::int64_t> read_positive(const fs::path& file) {
    std::ifstream in(file);
    return read_positive(in);
}

std::int64_t memory_limit(const fs::path& file) {
    const auto bytes = read_positive(file).value_or(no_limit);
    return bytes > limit_bytes_max ? no_limit : bytes;
}

std::int64_t milli_cpus_of(std::optional<std::int64_t> quota, std::optional<std::int64_t> period) {
    if (!quota || !period || *quota > no_limit / 1000) return no_limit;
    return std::max<std::int64_t>(1, *quota * 1000 / *period);
}

std::int64_t cpu_limit_v1(const fs::path& folder) {
    return milli_cpus_of(
        read_positive(folder / "cpu.cfs_quota_us"), read_positive(folder / "cpu.cfs_period_us")
    );
}

std::int64_t cpu_limit_v2(const fs::path& folder) {
    std::ifstream in(folder / "cpu.max");
    const auto quota = read_positive(in);
    return quota ? milli_cpus_of(quota, read_positive(in)) : no_limit;
}

bool lists(const std::string& controllers, const std::string& wanted) {
    return ("," + controllers + ",").find("," + wanted + ",") != std::string::npos;
}

using Limit = std::function<std::int64_t(const fs::path& folder)>;

/// The tightest limit on the way from a cgroup up to the root of its hierarchy. A container sees
/// its own cgroup as the root, whatever the path that the kernel tells.
std::int64_t tightest(const fs::path& mount, std::string own, const Limit& limit) {
    for (auto least = no_limit;;) {
        least = std::min(least, limit(mount / own));
        if (own.empty()) return least;
        const auto slash = own.rfind('/');
        own = slash == std::string::npos ? std::string{} : own.substr(0, slash);
    }
}

/// Over all hierarchies that have the controller.
std::int64_t cgroup_limit(
    const fs::path& root, const std::string& controller, const Limit& v1, const Limit& v2
) {
    const auto mounts = root / "sys/fs/cgroup";
    auto least = no_limit;
    std::ifstream in(root / "proc/self/cgroup");
    std::string line;  // "4:memory:/path" (version 1) or "0::/path" (version 2)
    while (std::getline(in, line)) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const auto controllers = line.substr(first + 1, second - first - 1);
        auto own = line.substr(second + 1);
        own.erase(0, own.find_first_not_of('/'));
        if (controllers.empty()) {
            least = std::min(least, tightest(mounts, own, v2));
            least = std::min(least, tightest(mounts / "unified", own, v2));
        } else if (lists(controllers, controller)) {
            least = std::min(least, tightest(mounts / controller, own, v1));
            least = std::min(least, tightest(mounts / controllers, own, v1));
        }
    }
    return least;
}

std::optional<std::int64_t> read_available_bytes(const fs::path& root) {
    std::ifstream in(root / "proc/meminfo");
    for (std::string word; in >> word;) {
        if (word != "MemAvailable:") continue;
        const auto kb = read_positive(in);
        if (!kb || *kb > no_limit / 1024) return std::nullopt;
        return *kb * 1024;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> detect_memory_mb(const fs::path& root, std::int64_t limit_mb) {
    const auto available = read_available_bytes(root);
    if (!available) return std::nullopt;
    const auto limit = cgroup_limit(
        root,
        "memory",
        [](const fs::path& folder) { return memory_limit(folder / "memory.limit_in_bytes"); },
        [](const fs::path& folder) { return memory_limit(folder / "memory.max"); }
    );
    const auto bytes = std::min(*available, limit);
    const auto headroom = std::clamp(bytes / 10, 256 * mb, 5 * 1024 * mb);
    auto total = (bytes - headroom) / mb;
    if (limit_mb > 0) total = std::min(total, limit_mb);
    if (total <= 0) return std::nullopt;
    return total;
}

std::int64_t detect_milli_cpus(const fs::path& root, std::size_t cores, std::int64_t limit) {
    auto total = static_cast<std::int64_t>(std::max<std::size_t>(1, cores)) * 1000;
    total = std::min(total, cgroup_limit(root, "cpu", cpu_limit_v1, cpu_limit_v2));
    if (limit > 0) total = std::min(total, limit);
    return std::max<std::int64_t>(1, total);
}

}  // namespace stoker
