#pragma once

// When a schedule is due: the five fields of cron, `@hourly` and its like, or `@every 90s`. A value
// made from text by parse(), which refuses what can never be due.
//
// Daylight saving. An expression that names hours is due once for each matching local time: one
// that is left out when clocks go forward is due at that moment, one that comes twice is due the
// first time. An expression of every hour (`*/5 * * * *`) goes with time itself: nothing is made up
// for in the hour left out, and the hour that comes twice is served twice.

#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "common/clock.hpp"
#include "model/time_zone.hpp"

namespace stoker {

/// Minute, hour, day of the month, month, day of the week.
struct CronFields {
    std::bitset<60> minutes;
    std::bitset<24> hours;
    std::bitset<32> days;     ///< 1..31
    std::bitset<13> months;   ///< 1..12
    std::bitset<7> weekdays;  ///< 0 is Sunday
    /// As cron has it: with one of them a star, both have to match; else either is enough.
    bool any_day = false;
    bool any_weekday = false;

    bool matches(std::chrono::year_month_day day) const;
    /// The first match at or after `from`; none within the years in which any date comes again.
    std::optional<LocalTime> first_from(LocalTime from) const;
};

class Cron {
public:
    static Result<Cron> parse(std::string_view text);

    /// The first due time after `time`. `start` is where `@every` counts from.
    WallTime next_after(WallTime time, const TimeZone& zone, WallTime start) const;

private:
    using Every = std::chrono::milliseconds;

    explicit Cron(std::variant<CronFields, Every> when) : when_(when) {}

    std::variant<CronFields, Every> when_;
};

constexpr std::chrono::seconds cron_every_min{1};
constexpr std::chrono::seconds cron_every_max = std::chrono::days{366};

}  // namespace stoker
