#include "model/cron.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/units.hpp"
#include "model/cron_fields.hpp"

namespace stoker {

namespace {

using namespace std::chrono;

constexpr std::string_view every_word = "@every";

/// 29 February on one weekday comes again within 12 years, also over a century without that day.
constexpr years horizon{16};

/// The first of a month after that of `day`.
sys_days next_month(year_month_day day) {
    return sys_days((day.year() / day.month() + months{1}) / 1);
}

/// The first match of a matching day at or after `from` (since midnight).
std::optional<minutes> first_of_day(const CronFields& fields, minutes from) {
    for (auto at = from; at < days{1}; at = floor<hours>(at) + hours{1}) {
        const auto hour = floor<hours>(at);
        if (!fields.hours.test(static_cast<std::size_t>(hour.count()))) continue;
        for (auto minute = (at - hour).count(); minute < 60; ++minute) {
            if (fields.minutes.test(static_cast<std::size_t>(minute))) {
                return hour + minutes{minute};
            }
        }
    }
    return std::nullopt;
}

/// Of each matching local time the first instant, which grows with local time.
std::optional<Instant> once_after(const CronFields& fields, const TimeZone& zone, Instant time) {
    const auto offset = zone.period_at(time).offset;
    auto from = LocalTime((time + offset).time_since_epoch());
    // In the second pass of an hour the matches of the rest of it are past.
    for (;;) {
        const auto local = fields.first_from(from);
        if (!local) return std::nullopt;
        const auto instant = zone.first_instant_of(*local);
        if (instant > time) return instant;
        from = *local + seconds{1};
    }
}

/// Every instant at which a clock on the wall matches.
std::optional<Instant> always_after(const CronFields& fields, const TimeZone& zone, Instant time) {
    const auto last = time + horizon;
    for (auto from = time + seconds{1}; from < last;) {
        const auto period = zone.period_at(from);
        const auto local = fields.first_from(LocalTime((from + period.offset).time_since_epoch()));
        if (!local) return std::nullopt;
        const auto instant = Instant(local->time_since_epoch() - period.offset);
        if (instant < period.end) return instant;
        from = period.end;
    }
    return std::nullopt;
}

std::optional<Instant> next_of(const CronFields& fields, const TimeZone& zone, Instant time) {
    return fields.hours.all() ? always_after(fields, zone, time) : once_after(fields, zone, time);
}

WallTime next_of(milliseconds every, WallTime start, WallTime time) {
    if (time < start) return start + every;
    return start + ((time - start) / every + 1) * every;
}

/// What follows the word.
Result<milliseconds> parse_every(std::string_view text) {
    const auto blanks = std::min(text.find_first_not_of(" \t"), text.size());
    const auto every = parse_duration(text.substr(blanks));
    const bool is_whole = every && *every % seconds{1} == Millis{0};
    if (blanks == 0 || !is_whole || *every < cron_every_min || *every > cron_every_max) {
        return fail(
            Errc::invalid_request,
            "cron: @every takes whole seconds from 1s to 366 days, such as @every 90s"
        );
    }
    return *every;
}

}  // namespace

bool CronFields::matches(year_month_day day) const {
    if (!months.test(static_cast<unsigned>(day.month()))) return false;
    const bool of_month = days.test(static_cast<unsigned>(day.day()));
    const bool of_week = weekdays.test(weekday(sys_days(day)).c_encoding());
    return any_day || any_weekday ? of_month && of_week : of_month || of_week;
}

std::optional<LocalTime> CronFields::first_from(LocalTime from) const {
    const auto start = ceil<std::chrono::minutes>(from.time_since_epoch());
    auto day = sys_days(floor<std::chrono::days>(start));
    auto of_day = start - day.time_since_epoch();
    const auto last = day + horizon;
    while (day < last) {
        const year_month_day date(day);
        if (matches(date)) {
            if (const auto found = first_of_day(*this, of_day)) {
                return LocalTime(day.time_since_epoch() + *found);
            }
        }
        of_day = {};
        const bool is_in_month = months.test(static_cast<unsigned>(date.month()));
        day = is_in_month ? day + std::chrono::days{1} : next_month(date);
    }
    return std::nullopt;
}

Result<Cron> Cron::parse(std::string_view text) {
    if (text.starts_with(every_word)) {
        const auto every = parse_every(text.substr(every_word.size()));
        if (!every) return fail(every.error());
        return Cron(*every);
    }
    const auto fields = parse_cron_fields(text);
    if (!fields) return fail(fields.error());
    if (!fields->first_from(LocalTime(std::chrono::days{0}))) {
        return fail(Errc::invalid_request, fmt::format("cron: no day ever matches \"{}\"", text));
    }
    return Cron(*fields);
}

WallTime Cron::next_after(WallTime time, const TimeZone& zone, WallTime start) const {
    if (const auto* every = std::get_if<Every>(&when_)) return next_of(*every, start, time);
    const auto next = next_of(std::get<CronFields>(when_), zone, floor<seconds>(time));
    // parse() let nothing pass that never comes again.
    return next ? WallTime(*next) : WallTime::max();
}

}  // namespace stoker
