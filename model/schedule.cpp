#include "model/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/async/task.hpp"
#include "common/utf8.hpp"
#include "model/cron.hpp"

namespace stoker {

namespace {

constexpr std::array<std::string_view, 3> missed_words{"skip", "once", "all"};

/// When it is due, taken from its texts.
struct Timing {
    Cron cron;
    TimeZone zone;
    WallTime start;

    WallTime next_after(WallTime time) const { return cron.next_after(time, zone, start); }
};

Result<Timing> timing_of(const Schedule& schedule) {
    auto cron = Cron::parse(schedule.cron);
    if (!cron) return fail(std::move(cron.error()));
    auto zone = TimeZone::find(schedule.time_zone);
    if (!zone) return fail(std::move(zone.error()));
    return Timing{*cron, *zone, schedule.created_at};
}

/// Those that are about the connection, that Stoker sets itself, or that must not be stored.
bool is_reserved(std::string_view name) {
    static constexpr std::array<std::string_view, 6> names{
        "host", "content-length", "content-type", "expect", "prefer", "authorization"
    };
    const auto same = [&](std::string_view each) { return same_header_name(each, name); };
    return is_hop_by_hop(name) || same_header_name(name.substr(0, 3), "fn-") ||
           std::ranges::any_of(names, same);
}

Result<void> validate_headers(const Schedule& schedule) {
    std::size_t bytes = 0;
    for (const auto& [name, value] : schedule.headers) {
        bytes += name.size() + value.size();
        if (!is_valid_header(name, value)) {
            return fail(Errc::invalid_request, fmt::format("header \"{}\" is not valid", name));
        }
        if (is_reserved(name)) {
            return fail(Errc::invalid_request, fmt::format("header {} cannot be set", name));
        }
    }
    if (schedule.headers.size() > schedule_headers_max || bytes > schedule_headers_bytes_max) {
        return fail(Errc::invalid_request, "headers: at most 64 with 8 KiB in all");
    }
    if (!is_valid_header("Content-Type", schedule.content_type)) {
        return fail(Errc::invalid_request, "content_type is not valid");
    }
    return {};
}

/// The latest due times in (after, until], at most `count_max`. Looks back over twice the time
/// until it has enough, so that an outage of months costs no more than what is asked for.
std::vector<WallTime> latest(
    const Timing& timing, WallTime after, WallTime until, std::size_t count_max
) {
    std::vector<WallTime> found;
    for (Millis window = std::chrono::minutes{2};; window *= 2) {
        const auto from = std::max(after, until - window);
        found.clear();
        for (auto time = timing.next_after(from); time <= until; time = timing.next_after(time)) {
            found.push_back(time);
        }
        if (from == after || found.size() >= count_max) break;
    }
    const auto surplus = found.size() - std::min(found.size(), count_max);
    found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(surplus));
    return found;
}

}  // namespace

std::string_view to_word(MissedRule rule) {
    return missed_words.at(static_cast<std::size_t>(rule));
}

std::optional<MissedRule> parse_missed_rule(std::string_view word) {
    const auto found = std::ranges::find(missed_words, word);
    if (found == missed_words.end()) return std::nullopt;
    return static_cast<MissedRule>(found - missed_words.begin());
}

Result<void> validate(const Schedule& schedule) {
    if (schedule.fn_id.empty()) return fail(Errc::invalid_request, "Missing fn_id on Schedule");
    if (schedule.cron.empty()) return fail(Errc::invalid_request, "Missing cron on Schedule");
    if (schedule.name.size() > schedule_name_bytes_max || !is_utf8(schedule.name)) {
        return fail(Errc::invalid_request, "name takes at most 255 bytes of UTF-8");
    }
    if (schedule.body.size() > schedule_body_bytes_max) {
        return fail(Errc::invalid_request, "body takes at most 64 KiB");
    }
    if (auto valid = validate_headers(schedule); !valid) return valid;
    if (auto timing = timing_of(schedule); !timing) return fail(std::move(timing.error()));
    return {};
}

Result<Schedule> begun(Schedule schedule, WallTime now) {
    if (auto valid = validate(schedule); !valid) return fail(std::move(valid.error()));
    schedule.next_at.reset();
    if (!schedule.paused) schedule.next_at = timing_of(schedule)->next_after(now);
    return schedule;
}

Result<Schedule> apply(const Schedule& schedule, const SchedulePatch& patch, WallTime now) {
    if (patch.id && *patch.id != schedule.id) {
        return fail(Errc::invalid_request, "Schedule ID in path does not match that in body");
    }
    Schedule merged = schedule;
    merged.name = patch.name.value_or(schedule.name);
    merged.cron = patch.cron.value_or(schedule.cron);
    merged.time_zone = patch.time_zone.value_or(schedule.time_zone);
    merged.missed = patch.missed.value_or(schedule.missed);
    merged.paused = patch.paused.value_or(schedule.paused);
    merged.headers = patch.headers.value_or(schedule.headers);
    merged.content_type = patch.content_type.value_or(schedule.content_type);
    merged.body = patch.body.value_or(schedule.body);
    if (merged == schedule) return merged;
    const bool is_due_anew = merged.cron != schedule.cron ||
                             merged.time_zone != schedule.time_zone ||
                             merged.paused != schedule.paused;
    if (is_due_anew) {
        auto anew = begun(std::move(merged), now);
        if (!anew) return anew;
        merged = std::move(*anew);
    } else if (auto valid = validate(merged); !valid) {
        return fail(std::move(valid.error()));
    }
    merged.rev = schedule.rev + 1;
    merged.updated_at = now;
    return merged;
}

Result<DueTimes> due_times(const Schedule& schedule, WallTime now) {
    const auto timing = timing_of(schedule);
    if (!timing) return fail(timing.error());
    DueTimes due{.calls = {}, .left_out = 0, .next = timing->next_after(now)};
    if (!schedule.next_at || *schedule.next_at > now) return due;
    due.calls = latest(*timing, *schedule.next_at - Millis{1}, now, schedule_calls_max);
    if (schedule.missed == MissedRule::all || due.calls.empty()) return due;
    auto first = std::ranges::lower_bound(due.calls, now - schedule_on_time_max);
    const bool all_missed = first == due.calls.end();
    if (all_missed && schedule.missed == MissedRule::once) --first;
    due.left_out = static_cast<std::size_t>(first - due.calls.begin());
    due.calls.erase(due.calls.begin(), first);
    return due;
}

}  // namespace stoker
