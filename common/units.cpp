#include "common/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

namespace stoker {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// Longest first where one name begins another.
constexpr std::array duration_units{
    Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}
};
constexpr std::uint64_t duration_ms_max = std::numeric_limits<std::int64_t>::max() / 1'000'000;

constexpr std::uint64_t kib = 1024;
constexpr std::array size_units{
    Unit{"", 1},
    Unit{"b", 1},
    Unit{"k", 1000},
    Unit{"kb", 1000},
    Unit{"kib", kib},
    Unit{"m", 1'000'000},
    Unit{"mb", 1'000'000},
    Unit{"mib", kib* kib},
    Unit{"g", 1'000'000'000},
    Unit{"gb", 1'000'000'000},
    Unit{"gib", kib* kib* kib},
    Unit{"t", 1'000'000'000'000},
    Unit{"tb", 1'000'000'000'000},
    Unit{"tib", kib* kib* kib* kib},
};

std::optional<std::uint64_t> take_digits(std::string_view& text) {
    std::uint64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

std::optional<std::uint64_t> product(std::uint64_t a, std::uint64_t b) {
    std::uint64_t result = 0;
    if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
    return result;
}

std::optional<std::uint64_t> take_duration_part(std::string_view& text) {
    const auto value = take_digits(text);
    if (!value) return std::nullopt;
    for (const auto& unit : duration_units) {
        if (!text.starts_with(unit.name)) continue;
        text.remove_prefix(unit.name.size());
        return product(*value, unit.factor);
    }
    return std::nullopt;
}

bool same_word(std::string_view text, std::string_view lower) {
    if (text.size() != lower.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower[i]) return false;
    }
    return true;
}

}  // namespace

std::optional<Millis> parse_duration(std::string_view text) {
    auto plain = text;
    if (const auto seconds = take_digits(plain); seconds && plain.empty()) {
        const auto ms = product(*seconds, 1000);
        if (!ms || *ms > duration_ms_max) return std::nullopt;
        return Millis{*ms};
    }
    if (text.empty()) return std::nullopt;
    std::uint64_t total = 0;
    while (!text.empty()) {
        const auto part = take_duration_part(text);
        if (!part || *part > duration_ms_max - total) return std::nullopt;
        total += *part;
    }
    return Millis{total};
}

std::string format_duration(Millis duration) {
    auto rest = duration.count();
    if (rest <= 0) return "0s";
    std::string text;
    if (rest >= 3'600'000) text += fmt::format("{}h", rest / 3'600'000);
    rest %= 3'600'000;
    if (rest >= 60'000) text += fmt::format("{}m", rest / 60'000);
    rest %= 60'000;
    if (rest >= 1000) text += fmt::format("{}s", rest / 1000);
    rest %= 1000;
    if (rest > 0) text += fmt::format("{}ms", rest);
    return text;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const auto value = take_digits(text);
    if (!value) return std::nullopt;
    for (const auto& unit : size_units) {
        if (same_word(text, unit.name)) return product(*value, unit.factor);
    }
    return std::nullopt;
}

std::string format_size(std::uint64_t bytes) {
    constexpr std::array<std::string_view, 5> names{"", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    while (bytes > 0 && bytes % kib == 0 && unit + 1 < names.size()) {
        bytes /= kib;
        ++unit;
    }
    return fmt::format("{}{}", bytes, names.at(unit));
}

}  // namespace stoker
