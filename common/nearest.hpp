#pragma once

// "Did you mean": the known word closest to a mistyped one.

#include <span>
#include <string>
#include <string_view>

namespace stoker {

/// Empty when none is close enough to be what was meant.
std::string nearest_word(std::string_view typed, std::span<const std::string> known);
/// ` (did you mean X?)`, or empty.
std::string did_you_mean(std::string_view typed, std::span<const std::string> known);

}  // namespace stoker
