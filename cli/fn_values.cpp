#include "cli/fn_values.hpp"

#include <algorithm>

#include "common/units.hpp"

namespace stoker {

namespace {

constexpr Millis msecs_max{86'400'000};

}  // namespace

std::optional<std::string> from_msecs(std::string_view text) {
    if (text.starts_with('-')) return format_duration(msecs_max);
    const auto duration = parse_duration(std::string(text) + "ms");
    // What is no number is left as it is, for the error to show it.
    if (!duration) return std::string(text);
    return format_duration(std::min(*duration, msecs_max));
}

std::optional<std::string> unless_zero(std::string_view text) {
    if (text == "0" || text.empty()) return std::nullopt;
    return std::string(text);
}

std::optional<std::string> as_milli_cpus(std::string_view text) {
    if (text == "0" || text.empty()) return std::nullopt;
    return std::string(text) + 'm';
}

std::optional<std::string> from_logrus_level(std::string_view text) {
    if (text == "warning") return "warn";
    if (text == "trace") return "debug";
    if (text == "fatal" || text == "panic") return "error";
    return std::string(text);
}

}  // namespace stoker
