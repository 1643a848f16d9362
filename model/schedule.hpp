#pragma once

// A schedule: when a function is to be called, with what, and what becomes of times at which nobody
// was there to call it. Values and rules; api/scheduler fires them.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/http/headers.hpp"
#include "model/error.hpp"

namespace stoker {

/// What becomes of due times that nobody served in time.
enum class MissedRule : std::uint8_t {
    skip,  ///< nothing
    once,  ///< one call for all of them
    all,   ///< a call for each, for the latest `schedule_calls_max`
};
std::string_view to_word(MissedRule rule);
std::optional<MissedRule> parse_missed_rule(std::string_view word);

struct Schedule {
    std::string id;
    std::string app_id;
    std::string fn_id;
    std::string name;  ///< for people; may be empty
    std::string cron;
    std::string time_zone = "UTC";
    MissedRule missed = MissedRule::once;
    bool paused = false;
    Headers headers;  ///< what each call is made with
    std::string content_type;
    std::string body;
    std::optional<WallTime> next_at;  ///< absent while paused
    std::optional<WallTime> last_at;  ///< the due time of the latest call
    std::string last_call_id;
    std::int64_t rev = 1;   ///< +1 on every change and every firing: what a firing compares
    WallTime created_at{};  ///< `@every` counts from here
    WallTime updated_at{};

    bool operator==(const Schedule&) const = default;
};

/// What a PUT changes: an absent field is kept.
struct SchedulePatch {
    std::optional<std::string> id;
    std::optional<std::string> name;
    std::optional<std::string> cron;
    std::optional<std::string> time_zone;
    std::optional<MissedRule> missed;
    std::optional<bool> paused;
    std::optional<Headers> headers;  ///< in place of all
    std::optional<std::string> content_type;
    std::optional<std::string> body;
};

constexpr std::size_t schedule_body_bytes_max = std::size_t{64} << 10U;
constexpr std::size_t schedule_headers_max = 64;
constexpr std::size_t schedule_headers_bytes_max = std::size_t{8} << 10U;
constexpr std::size_t schedule_name_bytes_max = 255;
/// Of one schedule at once.
constexpr std::size_t schedule_calls_max = 100;
/// A due time that is older is a missed one.
constexpr std::chrono::seconds schedule_on_time_max{30};

/// All rules but that the fn exists.
Result<void> validate(const Schedule& schedule);
/// The schedule with its next due time after `now`; validated.
Result<Schedule> begun(Schedule schedule, WallTime now);
/// Merged and validated. What was due before a change of when, or before the end of a pause, is not
/// due any more.
Result<Schedule> apply(const Schedule& schedule, const SchedulePatch& patch, WallTime now);

/// What a schedule whose time has come is to do.
struct DueTimes {
    std::vector<WallTime> calls;  ///< a call for each; the oldest first
    std::size_t left_out = 0;     ///< missed ones without a call, as far as they were looked at
    WallTime next{};              ///< the first due time after now
};
Result<DueTimes> due_times(const Schedule& schedule, WallTime now);

}  // namespace stoker
