#pragma once

// How much memory and CPU containers may use on this machine: what it has, less what the cgroups
// we live in take away (version 1, 2, or both mounted side by side), at most what was set. Read
// once, at start. `root` is "/" but in tests.

#include <cstdint>
#include <filesystem>
#include <optional>

namespace stoker {

/// min(MemAvailable, cgroup limits) less a headroom of 10 % (256 MB to 5 GB), then at most
/// `limit_mb` if that is not 0. Empty when /proc/meminfo cannot be read or nothing is left.
std::optional<std::int64_t> detect_memory_mb(
    const std::filesystem::path& root, std::int64_t limit_mb
);

/// Thousandths of a processor: min(cores, cgroup quotas), at most `limit` if that is not 0. At
/// least 1.
std::int64_t detect_milli_cpus(
    const std::filesystem::path& root, std::size_t cores, std::int64_t limit
);

}  // namespace stoker
