#include "model/cron.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "common/async/task.hpp"
#include "model/cron_fields.hpp"

namespace stoker {
namespace {

using namespace std::chrono_literals;

WallTime at(std::string_view text) {
    const auto time = parse_time(text);
    REQUIRE_MESSAGE(time, text);
    return *time;
}

Cron cron(std::string_view text) {
    const auto parsed = Cron::parse(text);
    REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().text()));
    return *parsed;
}

TimeZone zone(std::string_view name) {
    const auto found = TimeZone::find(name);
    REQUIRE(found);
    return *found;
}

using Times = std::vector<std::string>;

/// The first due times after `from`, without their seconds.
Times next(
    std::string_view text, std::string_view from, std::size_t count, std::string_view where = "UTC"
) {
    const auto when = cron(text);
    const auto place = zone(where);
    Times times;
    auto time = at(from);
    while (times.size() < count) {
        time = when.next_after(time, place, {});
        times.push_back(format_time(time).substr(0, 16));
    }
    return times;
}

std::string why_not(std::string_view text) {
    const auto parsed = Cron::parse(text);
    if (parsed) return "accepted";
    CHECK(parsed.error().code == Errc::invalid_request);
    return std::string(parsed.error().text());
}

TEST_CASE("Cron: stars, numbers, lists, ranges, steps and names") {
    const auto* from = "2026-01-01T00:00:00Z";  // a Thursday
    CHECK(next("* * * * *", from, 2) == Times{"2026-01-01T00:01", "2026-01-01T00:02"});
    CHECK(
        next("5,35 8 * * *", from, 3) ==
        Times{"2026-01-01T08:05", "2026-01-01T08:35", "2026-01-02T08:05"}
    );
    CHECK(
        next("*/20 23 * * *", from, 4) ==
        Times{"2026-01-01T23:00", "2026-01-01T23:20", "2026-01-01T23:40", "2026-01-02T23:00"}
    );
    CHECK(
        next("10-50/20 0 * * *", from, 4) ==
        Times{"2026-01-01T00:10", "2026-01-01T00:30", "2026-01-01T00:50", "2026-01-02T00:10"}
    );
    CHECK(
        next("40/10 0 * * *", from, 3) ==
        Times{"2026-01-01T00:40", "2026-01-01T00:50", "2026-01-02T00:40"}
    );
    CHECK(next("0 12 * Feb,AUG Mon-wed", from, 2) == Times{"2026-02-02T12:00", "2026-02-03T12:00"});
    CHECK(next("0 0 * * 7", from, 2) == next("0 0 * * sun", from, 2));
    CHECK(
        next("0 0 * * 5-7", from, 3) ==
        Times{"2026-01-02T00:00", "2026-01-03T00:00", "2026-01-04T00:00"}
    );
    CHECK(next("  0\t0  1 * * ", from, 1) == Times{"2026-02-01T00:00"});
}

TEST_CASE("Cron: words stand for the five fields") {
    const auto* from = "2026-01-01T00:00:00Z";
    CHECK(next("@hourly", from, 1) == Times{"2026-01-01T01:00"});
    CHECK(next("@daily", from, 1) == Times{"2026-01-02T00:00"});
    CHECK(next("@midnight", from, 1) == Times{"2026-01-02T00:00"});
    CHECK(next("@weekly", from, 1) == Times{"2026-01-04T00:00"});
    CHECK(next("@monthly", from, 1) == Times{"2026-02-01T00:00"});
    CHECK(next("@yearly", from, 1) == Times{"2027-01-01T00:00"});
    CHECK(next("@annually", from, 1) == Times{"2027-01-01T00:00"});
}

TEST_CASE("Cron: a day of the month or one of the week is enough, unless one of them is a star") {
    const auto* from = "2026-01-01T00:00:00Z";
    CHECK(
        next("0 0 13 * fri", from, 4) ==
        Times{"2026-01-02T00:00", "2026-01-09T00:00", "2026-01-13T00:00", "2026-01-16T00:00"}
    );
    CHECK(next("0 0 13 * *", from, 2) == Times{"2026-01-13T00:00", "2026-02-13T00:00"});
    CHECK(next("0 0 * * fri", from, 2) == Times{"2026-01-02T00:00", "2026-01-09T00:00"});
    // A star with a step is a star, too.
    CHECK(next("0 0 */2 * fri", from, 2) == Times{"2026-01-09T00:00", "2026-01-23T00:00"});
}

TEST_CASE("Cron: ends of months, leap years") {
    CHECK(
        next("0 0 31 * *", "2026-03-31T00:00:00Z", 2) ==
        Times{"2026-05-31T00:00", "2026-07-31T00:00"}
    );
    CHECK(
        next("0 0 29 2 *", "2026-01-01T00:00:00Z", 2) ==
        Times{"2028-02-29T00:00", "2032-02-29T00:00"}
    );
    CHECK(next("0 0 29 2 *", "2096-03-01T00:00:00Z", 1) == Times{"2104-02-29T00:00"});
    CHECK(
        next("59 23 31 12 *", "2026-12-31T23:58:59.999Z", 2) ==
        Times{"2026-12-31T23:59", "2027-12-31T23:59"}
    );
}

TEST_CASE("Cron: the next time is after the given one, however little") {
    const auto daily = cron("@daily");
    const auto midnight = at("2026-01-02T00:00:00Z");
    const auto utc = TimeZone::utc();
    CHECK(daily.next_after(midnight - 1ms, utc, {}) == midnight);
    CHECK(daily.next_after(midnight, utc, {}) == midnight + 24h);
    CHECK(daily.next_after(midnight + 1ms, utc, {}) == midnight + 24h);
}

TEST_CASE("Cron: every so often counts from the start") {
    const auto every = cron("@every 1m30s");
    const auto utc = TimeZone::utc();
    const auto start = at("2026-01-01T00:00:00.250Z");
    CHECK(every.next_after(start - 10s, utc, start) == start + 90s);
    CHECK(every.next_after(start, utc, start) == start + 90s);
    CHECK(every.next_after(start + 89s, utc, start) == start + 90s);
    CHECK(every.next_after(start + 90s, utc, start) == start + 180s);
    CHECK(every.next_after(start + 24h, utc, start) == start + 24h + 90s);
    CHECK(cron("@every 1s").next_after(start, utc, start) == start + 1s);
    for (const auto* wrong :
         {"@every 0s",
          "@every 500ms",
          "@every 1500ms",
          "@every 9000h",
          "@every",
          "@every ",
          "@every soon",
          "@every1s",
          "@every -1s"}) {
        CHECK_MESSAGE(why_not(wrong).starts_with("cron: @every takes"), wrong);
    }
}

TEST_CASE("Cron: what is wrong is refused, and said where") {
    CHECK(why_not("").starts_with("cron takes five fields"));
    CHECK(why_not("* * * *").starts_with("cron takes five fields"));
    CHECK(why_not("* * * * * *").starts_with("cron takes five fields"));
    CHECK(why_not("@reboot").starts_with("cron takes five fields"));
    CHECK(why_not(std::string(1000, '*')) == "cron is too long");
    CHECK(why_not("60 * * * *") == "cron: minute \"60\" is not within 0-59");
    CHECK(why_not("* 24 * * *") == "cron: hour \"24\" is not within 0-23");
    CHECK(why_not("* * 0 * *") == "cron: day of the month \"0\" is not within 1-31");
    CHECK(why_not("* * * 13 *") == "cron: month \"13\" is not within 1-12");
    CHECK(why_not("* * * * 8") == "cron: day of the week \"8\" is not within 0-7");
    CHECK(why_not("* * * * thurs") == "cron: day of the week \"thurs\" is not within 0-7");
    CHECK(why_not("30-10 * * * *") == "cron: minute \"30-10\" goes backwards");
    for (const auto* step : {"*/0", "*/60", "*/", "*/x", "1/-1", "1-5/2/2"}) {
        CHECK_MESSAGE(why_not(std::string(step) + " * * * *").contains("has a bad step"), step);
    }
    for (const auto* part : {",", "1,", "-1", "1-", "1--2", "x", "1x", "jan", "?", "1.5", "+1"}) {
        CHECK_MESSAGE(why_not(std::string(part) + " * * * *").contains("is not within"), part);
    }
}

TEST_CASE("Cron: an expression that no day ever matches is refused") {
    CHECK(why_not("0 0 31 2 *") == "cron: no day ever matches \"0 0 31 2 *\"");
    CHECK(why_not("0 0 30 feb *").contains("no day ever matches"));
    CHECK(why_not("0 0 31 4,6,9,11 *").contains("no day ever matches"));
    CHECK(why_not("0 0 31 2 mon") == "accepted");  // each Monday of February
    CHECK(why_not("0 0 29 2 *") == "accepted");
}

// Berlin: on 29 March 2026 at 01:00 UTC 02:00 becomes 03:00, on 25 October 03:00 becomes 02:00.
TEST_CASE("Cron: a local time that is left out is due once, when the clocks go forward") {
    CHECK(
        next("30 2 * * *", "2026-03-28T00:00:00Z", 3, "Europe/Berlin") ==
        Times{"2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"}
    );
    // Several left out, and one that is there at the moment itself: still once.
    CHECK(
        next("0,10,50 2,3 * * *", "2026-03-29T00:59:00Z", 3, "Europe/Berlin") ==
        Times{"2026-03-29T01:00", "2026-03-29T01:10", "2026-03-29T01:50"}
    );
}

TEST_CASE("Cron: a local time that comes twice is due the first time only") {
    CHECK(
        next("30 2 * * *", "2026-10-24T00:00:00Z", 3, "Europe/Berlin") ==
        Times{"2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"}
    );
    CHECK(
        next("*/15 2 * * *", "2026-10-25T00:30:00Z", 2, "Europe/Berlin") ==
        Times{"2026-10-25T00:45", "2026-10-26T01:00"}
    );
    // Asked within the second pass.
    CHECK(
        next("*/15 2 * * *", "2026-10-25T01:10:00Z", 1, "Europe/Berlin") ==
        Times{"2026-10-26T01:00"}
    );
}

TEST_CASE("Cron: an expression of every hour goes with time itself") {
    CHECK(
        next("30 * * * *", "2026-03-29T00:00:00Z", 3, "Europe/Berlin") ==
        Times{"2026-03-29T00:30", "2026-03-29T01:30", "2026-03-29T02:30"}
    );
    CHECK(
        next("30 * * * *", "2026-10-25T00:00:00Z", 3, "Europe/Berlin") ==
        Times{"2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"}
    );
    // Half an hour of daylight saving.
    CHECK(
        next("0 * * * *", "2026-04-04T14:00:00Z", 2, "Australia/Lord_Howe") ==
        Times{"2026-04-04T15:30", "2026-04-04T16:30"}
    );
}

TEST_CASE("Cron: midnight in zones where a day begins later or is left out") {
    // Beirut 2026: the clocks go forward at midnight of 29 March.
    CHECK(
        next("0 0 * * *", "2026-03-28T12:00:00Z", 2, "Asia/Beirut") ==
        Times{"2026-03-28T22:00", "2026-03-29T21:00"}
    );
    // Samoa had no 30 December 2011.
    CHECK(
        next("0 12 30 12 *", "2011-12-01T00:00:00Z", 1, "Pacific/Apia") == Times{"2011-12-30T10:00"}
    );
}

TEST_CASE("TimeZone: an unknown name is refused, whatever it looks like") {
    for (const auto* name :
         {"", "Mars/Olympus", "europe/berlin ", "../../etc/passwd", "/etc/localtime", "Europe"}) {
        CAPTURE(name);
        const auto found = TimeZone::find(name);
        REQUIRE_FALSE(found);
        CHECK(found.error().code == Errc::invalid_request);
    }
    CHECK(TimeZone::find("UTC"));
    CHECK(TimeZone::find("America/New_York"));
}

/// A field of random text.
std::string random_field(std::mt19937& random, int min, int max) {
    const auto pick = [&](int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random);
    };
    switch (pick(0, 5)) {
        case 0: return std::to_string(pick(min, max));
        case 1: return "*/" + std::to_string(pick(1, max));
        case 2: {
            const auto first = pick(min, max);
            return std::to_string(first) + "-" + std::to_string(pick(first, max));
        }
        case 3: return std::to_string(pick(min, max)) + "," + std::to_string(pick(min, max));
        default: return "*";
    }
}

/// Whether the clock on the wall there matches at that minute.
bool matches_at(const CronFields& fields, const TimeZone& place, Instant time) {
    const LocalTime local((time + place.period_at(time).offset).time_since_epoch());
    return fields.first_from(local) == local;
}

/// By the rules of the head comment of cron.hpp, told by looking at one minute after the other.
std::vector<WallTime> walk(
    const CronFields& fields, const TimeZone& place, Instant after, Instant end
) {
    std::vector<WallTime> due;
    const bool every_hour = fields.hours.all();
    auto before = place.period_at(after).offset;
    LocalTime latest_local((after + before).time_since_epoch());
    for (auto time = std::chrono::floor<std::chrono::minutes>(after) + 1min; time < end;
         time += 1min) {
        const auto offset = place.period_at(time).offset;
        const LocalTime local((time + offset).time_since_epoch());
        bool is_due = matches_at(fields, place, time);
        if (!every_hour) {
            if (local <= latest_local) is_due = false;
            // Minutes that were left out right before this one.
            for (auto lost = latest_local + 1min; offset > before && lost < local; lost += 1min) {
                is_due = is_due || fields.first_from(lost) == lost;
            }
        }
        if (is_due) due.emplace_back(time);
        latest_local = std::max(latest_local, local);
        before = offset;
    }
    return due;
}

TEST_CASE("Cron: the due times are those that a walk over all minutes finds") {
    std::mt19937 random(20'261'126);
    const std::vector<std::string> zones{
        "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"
    };
    const std::vector<std::string> days{
        "2026-03-07T12:00:00Z",
        "2026-03-28T12:00:00Z",
        "2026-04-04T02:00:00Z",
        "2026-10-03T02:00:00Z",
        "2026-10-24T12:00:00Z",
        "2026-10-31T12:00:00Z"
    };
    int compared = 0;
    for (int round = 0; round < 300; ++round) {
        const auto text =
            random_field(random, 0, 59) + " " + random_field(random, 0, 23) + " " +
            (round % 2 == 0 ? "* * *"
                            : random_field(random, 1, 31) + " * " + random_field(random, 0, 6));
        const auto name = zones[random() % zones.size()];
        const auto from =
            Instant(std::chrono::floor<std::chrono::seconds>(at(days[random() % days.size()])));
        CAPTURE(text);
        CAPTURE(name);
        CAPTURE(format_time(from));
        const auto place = zone(name);
        const auto when = cron(text);
        const auto end = from + 36h;
        std::vector<WallTime> found;
        for (auto time = when.next_after(from, place, {}); time < end;
             time = when.next_after(time, place, {})) {
            REQUIRE((found.empty() || time > found.back()));
            found.push_back(time);
        }
        const auto fields = parse_cron_fields(text);
        REQUIRE(fields);
        CHECK(found == walk(*fields, place, from, end));
        // Asked from anywhere, the answer is the same.
        for (int i = 0; i < 5 && !found.empty(); ++i) {
            const auto asked = WallTime(from) + Millis(random() % Millis(36h).count());
            const auto expected = std::ranges::upper_bound(found, asked);
            if (expected != found.end()) CHECK(when.next_after(asked, place, {}) == *expected);
        }
        compared += static_cast<int>(found.size());
    }
    CHECK(compared > 1000);
}

}  // namespace
}  // namespace stoker
