#include "model/cron_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string>
#include <vector>

#include "common/http/headers.hpp"

namespace stoker {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t text_max = 256;

constexpr std::array month_names{
    "jan"sv,
    "feb"sv,
    "mar"sv,
    "apr"sv,
    "may"sv,
    "jun"sv,
    "jul"sv,
    "aug"sv,
    "sep"sv,
    "oct"sv,
    "nov"sv,
    "dec"sv,
};
constexpr std::array day_names{"sun"sv, "mon"sv, "tue"sv, "wed"sv, "thu"sv, "fri"sv, "sat"sv};

struct Field {
    std::string_view name;
    int min;
    int max;
    std::span<const std::string_view> words{};  ///< the first one is `min`
};

// Sunday is 0 and 7.
constexpr std::array<Field, 5> fields{
    Field{"minute", 0, 59},
    Field{"hour", 0, 23},
    Field{"day of the month", 1, 31},
    Field{"month", 1, 12, month_names},
    Field{"day of the week", 0, 7, day_names},
};

struct Word {
    std::string_view word;
    std::string_view stands_for;
};
constexpr std::array words{
    Word{"@hourly", "0 * * * *"},
    Word{"@daily", "0 0 * * *"},
    Word{"@midnight", "0 0 * * *"},
    Word{"@weekly", "0 0 * * 0"},
    Word{"@monthly", "0 0 1 * *"},
    Word{"@yearly", "0 0 1 1 *"},
    Word{"@annually", "0 0 1 1 *"},
};

/// The values of one field, by number.
using Values = std::bitset<60>;

std::unexpected<Error> wrong(const Field& field, std::string_view part, std::string_view why) {
    return fail(Errc::invalid_request, fmt::format("cron: {} \"{}\" {}", field.name, part, why));
}

std::optional<int> number_of(std::string_view text) {
    int number = 0;
    const auto* end = text.data() + text.size();
    const auto [at, failed] = std::from_chars(text.data(), end, number);
    if (failed != std::errc{} || at != end || number < 0) return std::nullopt;
    return number;
}

std::optional<int> value_of(const Field& field, std::string_view text) {
    const auto same = [&](std::string_view word) { return same_header_name(word, text); };
    const auto word = std::ranges::find_if(field.words, same);
    if (word != field.words.end()) {
        return field.min + static_cast<int>(word - field.words.begin());
    }
    const auto number = number_of(text);
    if (!number || *number < field.min || *number > field.max) return std::nullopt;
    return number;
}

/// One of a list: `*`, `a` or `a-b`, each with `/step` or without.
Result<void> add(const Field& field, std::string_view part, Values& values) {
    const auto slash = part.find('/');
    const auto range = part.substr(0, slash);
    const auto dash = range.find('-');
    const bool is_stepped = slash != std::string_view::npos;
    std::optional<int> first = field.min;
    std::optional<int> last = field.max;
    if (range != "*") {
        first = value_of(field, range.substr(0, dash));
        if (dash != std::string_view::npos) {
            last = value_of(field, range.substr(dash + 1));
        } else if (!is_stepped) {
            last = first;
        }
    }
    if (!first || !last) {
        return wrong(field, part, fmt::format("is not within {}-{}", field.min, field.max));
    }
    if (*first > *last) return wrong(field, part, "goes backwards");
    const auto step = is_stepped ? number_of(part.substr(slash + 1)) : 1;
    if (!step || *step == 0 || *step > field.max) return wrong(field, part, "has a bad step");
    for (int value = *first; value <= *last; value += *step) {
        values.set(static_cast<std::size_t>(value));
    }
    return {};
}

Result<Values> parse_field(const Field& field, std::string_view text) {
    Values values;
    for (std::string_view rest = text;;) {
        const auto comma = rest.find(',');
        if (auto added = add(field, rest.substr(0, comma), values); !added) {
            return fail(std::move(added.error()));
        }
        if (comma == std::string_view::npos) return values;
        rest.remove_prefix(comma + 1);
    }
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    constexpr auto blanks = " \t";
    for (;;) {
        const auto first = text.find_first_not_of(blanks);
        if (first == std::string_view::npos) return parts;
        text.remove_prefix(first);
        parts.push_back(text.substr(0, text.find_first_of(blanks)));
        text.remove_prefix(parts.back().size());
    }
}

template <std::size_t Size>
std::bitset<Size> narrowed(const Values& values) {
    std::bitset<Size> result;
    for (std::size_t i = 0; i < Size; ++i) result[i] = values[i];
    return result;
}

}  // namespace

Result<CronFields> parse_cron_fields(std::string_view text) {
    if (text.size() > text_max) return fail(Errc::invalid_request, "cron is too long");
    const auto word = std::ranges::find(words, text, &Word::word);
    if (word != words.end()) text = word->stands_for;
    const auto parts = split(text);
    if (parts.size() != fields.size()) {
        return fail(
            Errc::invalid_request,
            "cron takes five fields (minute, hour, day of the month, month, day of the week), "
            "@hourly, @daily, @weekly, @monthly, @yearly or @every with a duration"
        );
    }
    std::array<Values, fields.size()> values;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        auto parsed = parse_field(fields.at(i), parts[i]);
        if (!parsed) return fail(std::move(parsed.error()));
        values.at(i) = *parsed;
    }
    if (values[4][7]) values[4].set(0);
    return CronFields{
        .minutes = values[0],
        .hours = narrowed<24>(values[1]),
        .days = narrowed<32>(values[2]),
        .months = narrowed<13>(values[3]),
        .weekdays = narrowed<7>(values[4]),
        .any_day = parts[2].starts_with('*'),
        .any_weekday = parts[4].starts_with('*'),
    };
}

}  // namespace stoker
