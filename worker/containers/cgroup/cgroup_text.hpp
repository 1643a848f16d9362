#pragma once

// Reads numbers out of the kernel's text files. No I/O; what is not there is zero.

#include <cstdint>
#include <string_view>

namespace stoker {

/// The number right after the first occurrence of `key` ("": at the beginning).
std::int64_t number_after(std::string_view text, std::string_view key);
/// The sum of the numbers after every occurrence: a device each in blkio's and io.stat's lines.
std::uint64_t sum_after(std::string_view text, std::string_view key);

struct Traffic {
    std::uint64_t received = 0;  ///< bytes
    std::uint64_t sent = 0;
};
/// Of /proc/<pid>/net/dev, all interfaces but the loopback.
Traffic traffic_of(std::string_view net_dev);

}  // namespace stoker
