#include "model/cpus.hpp"

#include <charconv>

namespace stoker {

namespace {

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// "5" of "0.5" is 500 thousandths.
std::optional<std::uint64_t> thousandths(std::string_view decimals) {
    if (decimals.empty() || decimals.size() > 3) return std::nullopt;
    auto value = whole_number(decimals);
    for (auto digits = decimals.size(); value && digits < 3; ++digits) *value *= 10;
    return value;
}

std::optional<std::uint64_t> unbounded(std::string_view text) {
    if (text.ends_with('m')) return whole_number(text.substr(0, text.size() - 1));
    const auto point = text.find('.');
    const auto cpus = whole_number(text.substr(0, point));
    if (!cpus || *cpus > milli_cpus_max) return std::nullopt;
    if (point == std::string_view::npos) return *cpus * 1000;
    const auto fraction = thousandths(text.substr(point + 1));
    if (!fraction) return std::nullopt;
    return *cpus * 1000 + *fraction;
}

}  // namespace

std::optional<std::uint64_t> parse_milli_cpus(std::string_view text) {
    if (text.empty()) return 0;
    const auto value = unbounded(text);
    return value && *value <= milli_cpus_max ? value : std::nullopt;
}

std::string format_milli_cpus(std::uint64_t milli_cpus) {
    return milli_cpus == 0 ? std::string{} : std::to_string(milli_cpus) + 'm';
}

}  // namespace stoker
