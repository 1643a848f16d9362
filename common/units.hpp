#pragma once

// Durations and sizes as people write them, the same in settings and in the API. No spaces inside,
// no fractions; anything else is empty, as is a value that does not fit.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/async/task.hpp"

namespace stoker {

/// `90` (seconds), `250ms`, `30s`, `5m`, `2h` and sums such as `1m30s`.
std::optional<Millis> parse_duration(std::string_view text);
/// The shortest text that parses back to the same duration: `90s` is `1m30s`.
std::string format_duration(Millis duration);

/// Bytes: `1048576`, `512KiB`, `4GB`. KB, MB, GB, TB and their one-letter forms are powers of 1000;
/// KiB, MiB, GiB, TiB of 1024. Case does not matter.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// In the largest binary unit that divides it.
std::string format_size(std::uint64_t bytes);

}  // namespace stoker
