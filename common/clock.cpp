#include "common/clock.hpp"

#include <array>
#include <charconv>

namespace stoker {

namespace chrono = std::chrono;

WallTime wall_now() {
    return chrono::time_point_cast<chrono::milliseconds>(chrono::system_clock::now());
}

namespace {

/// With leading zeros.
void append_number(std::string& text, std::int64_t number, std::size_t digits_min) {
    std::array<char, 20> digits{};
    const auto* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    const auto count = static_cast<std::size_t>(end - digits.data());
    if (count < digits_min) text.append(digits_min - count, '0');
    text.append(digits.data(), count);
}

}  // namespace

std::string format_time(WallTime time) {
    const auto day = chrono::floor<chrono::days>(time);
    const chrono::year_month_day date{day};
    const chrono::hh_mm_ss clock{time - day};
    // By hand, for every call of a function is told its deadline: fmt takes 20 times as long.
    std::string text;
    text.reserve(24);
    append_number(text, static_cast<int>(date.year()), 4);
    text += '-';
    append_number(text, static_cast<unsigned>(date.month()), 2);
    text += '-';
    append_number(text, static_cast<unsigned>(date.day()), 2);
    text += 'T';
    append_number(text, clock.hours().count(), 2);
    text += ':';
    append_number(text, clock.minutes().count(), 2);
    text += ':';
    append_number(text, clock.seconds().count(), 2);
    text += '.';
    append_number(text, clock.subseconds().count(), 3);
    text += 'Z';
    return text;
}

namespace {

/// Reads exactly `digits` digits at the front of `text` and removes them.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) return std::nullopt;
    int value = 0;
    const auto* begin = text.data();
    const auto* end = begin + digits;
    const auto [at, failed] = std::from_chars(begin, end, value);
    if (failed != std::errc{} || at != end || value < 0) return std::nullopt;
    text.remove_prefix(digits);
    return value;
}

bool take_char(std::string_view& text, char wanted) {
    if (text.empty() || text.front() != wanted) return false;
    text.remove_prefix(1);
    return true;
}

/// `Z` or `+hh:mm` / `-hh:mm`, to the end of the text.
std::optional<chrono::minutes> take_offset(std::string_view text) {
    if (text == "Z" || text == "z") return chrono::minutes{0};
    if (text.empty()) return std::nullopt;
    const char sign = text.front();
    if (sign != '+' && sign != '-') return std::nullopt;
    text.remove_prefix(1);
    const auto hours = take_number(text, 2);
    if (!hours || !take_char(text, ':')) return std::nullopt;
    const auto minutes = take_number(text, 2);
    if (!minutes || !text.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
    const chrono::minutes offset{*hours * 60 + *minutes};
    return sign == '-' ? -offset : offset;
}

}  // namespace

std::optional<WallTime> parse_time(std::string_view text) {
    const auto year = take_number(text, 4);
    if (!year || !take_char(text, '-')) return std::nullopt;
    const auto month = take_number(text, 2);
    if (!month || !take_char(text, '-')) return std::nullopt;
    const auto day = take_number(text, 2);
    if (!day || !(take_char(text, 'T') || take_char(text, 't'))) return std::nullopt;
    const auto hour = take_number(text, 2);
    if (!hour || !take_char(text, ':')) return std::nullopt;
    const auto minute = take_number(text, 2);
    if (!minute || !take_char(text, ':')) return std::nullopt;
    const auto second = take_number(text, 2);
    if (!second) return std::nullopt;

    int milliseconds = 0;
    if (take_char(text, '.')) {
        int scale = 100;
        std::size_t digits = 0;
        while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
            milliseconds += (text.front() - '0') * scale;
            scale /= 10;
            text.remove_prefix(1);
            if (++digits > 9) return std::nullopt;
        }
        if (digits == 0) return std::nullopt;
    }
    const auto offset = take_offset(text);
    const chrono::year_month_day date{
        chrono::year{*year},
        chrono::month{static_cast<unsigned>(*month)},
        chrono::day{static_cast<unsigned>(*day)}
    };
    if (!offset || !date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
    return WallTime{
        chrono::sys_days{date} + chrono::hours{*hour} + chrono::minutes{*minute} +
        chrono::seconds{*second} + chrono::milliseconds{milliseconds} - *offset
    };
}

}  // namespace stoker
