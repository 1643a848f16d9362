#pragma once

// Values of Fn's environment variables in the words of our settings; none where ours then keeps its
// default. What is malformed is left as it is, for the error to show it.

#include <optional>
#include <string>
#include <string_view>

namespace stoker {

/// Milliseconds as a bare number; a negative or huge one, "no limit" to Fn, is the most we allow.
std::optional<std::string> from_msecs(std::string_view text);

/// For limits that Fn switches off by 0: ours then keep their default.
std::optional<std::string> unless_zero(std::string_view text);

std::optional<std::string> as_milli_cpus(std::string_view text);

std::optional<std::string> from_logrus_level(std::string_view text);

}  // namespace stoker
