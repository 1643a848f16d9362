#include "worker/memory.hpp"

#include <algorithm>

namespace stoker {

std::uint32_t pull_credit(
    std::int64_t total_mb, std::int64_t used_mb, std::int64_t smallest_mb, std::uint32_t pull_max
) {
    const auto free_half = total_mb / 2 - used_mb;
    if (free_half < 0) return 0;
    const auto fits = std::max<std::int64_t>(1, free_half / std::max<std::int64_t>(1, smallest_mb));
    return static_cast<std::uint32_t>(std::min<std::int64_t>(fits, pull_max));
}

}  // namespace stoker
