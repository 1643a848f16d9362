#pragma once

// Shares of processors as Fn writes them: `100m` or `0.1`, at most three decimals.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stoker {

constexpr std::uint64_t milli_cpus_max = 1'024'000;

/// What is said of a value that is none.
constexpr std::string_view cpus_rule =
    "Cpus is invalid. Value should be either between [0.000 and 1024.000] or [0m and 1024000m] "
    "milliCPU units";

/// Thousandths of a processor, 0 to milli_cpus_max; "" is 0: no share of its own.
std::optional<std::uint64_t> parse_milli_cpus(std::string_view text);
/// `100m`; "" for 0.
std::string format_milli_cpus(std::uint64_t milli_cpus);

}  // namespace stoker
