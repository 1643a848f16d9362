#include "model/schedule.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "model/schedule_json.hpp"

namespace stoker {
namespace {

using namespace std::chrono_literals;

const WallTime start = *parse_time("2026-01-01T00:00:00Z");

Schedule minutely(MissedRule rule = MissedRule::once) {
    Schedule schedule;
    schedule.id = "id";
    schedule.app_id = "app";
    schedule.fn_id = "fn";
    schedule.cron = "* * * * *";
    schedule.missed = rule;
    schedule.created_at = schedule.updated_at = start;
    const auto made = begun(schedule, start);
    REQUIRE(made);
    return *made;
}

DueTimes due_at(const Schedule& schedule, WallTime now) {
    const auto due = due_times(schedule, now);
    REQUIRE(due);
    return *due;
}

using Calls = std::vector<WallTime>;

std::string why_not(const Schedule& schedule) {
    const auto valid = validate(schedule);
    return valid ? "valid" : std::string(valid.error().text());
}

TEST_CASE("Schedule: it begins with the first due time after now") {
    CHECK(minutely().next_at == start + 1min);
    auto paused = minutely();
    paused.paused = true;
    CHECK(begun(paused, start)->next_at == std::nullopt);
}

TEST_CASE("Schedule: nothing is due before its time, one call at it") {
    for (const auto rule : {MissedRule::skip, MissedRule::once, MissedRule::all}) {
        const auto schedule = minutely(rule);
        CHECK(due_at(schedule, start + 59s).calls.empty());
        for (const auto late : {0ms, 1ms, 30'000ms}) {
            const auto due = due_at(schedule, start + 1min + late);
            CHECK(due.calls == Calls{start + 1min});
            CHECK(due.next == start + 2min);
            CHECK(due.left_out == 0);
        }
    }
}

TEST_CASE("Schedule: due times that nobody served in time follow the rule for missed ones") {
    const auto now = start + 10min + 31s;  // the one at 10 min is missed, too
    const auto skipped = due_at(minutely(MissedRule::skip), now);
    CHECK(skipped.calls.empty());
    CHECK(skipped.left_out == 10);
    CHECK(skipped.next == start + 11min);
    const auto once = due_at(minutely(MissedRule::once), now);
    CHECK(once.calls == Calls{start + 10min});
    CHECK(once.left_out == 9);
    const auto all = due_at(minutely(MissedRule::all), now);
    CHECK(all.calls.size() == 10);
    CHECK(all.calls.front() == start + 1min);
    CHECK(all.calls.back() == start + 10min);
    CHECK(all.next == start + 11min);
}

TEST_CASE("Schedule: one that is on time stands for those that were missed") {
    const auto now = start + 10min + 5s;
    CHECK(due_at(minutely(MissedRule::skip), now).calls == Calls{start + 10min});
    CHECK(due_at(minutely(MissedRule::once), now).calls == Calls{start + 10min});
    CHECK(due_at(minutely(MissedRule::all), now).calls.size() == 10);
}

TEST_CASE("Schedule: times that come close together are each served, if not too late") {
    auto schedule = minutely();
    schedule.cron = "@every 1s";
    schedule = *begun(schedule, start);
    const auto due = due_at(schedule, start + 5500ms);
    CHECK(due.calls == Calls{start + 1s, start + 2s, start + 3s, start + 4s, start + 5s});
    CHECK(due.next == start + 6s);
}

TEST_CASE("Schedule: after a long outage the latest hundred are served at most") {
    const auto now = start + std::chrono::days{400} + 10s;
    const auto all = due_at(minutely(MissedRule::all), now);
    REQUIRE(all.calls.size() == schedule_calls_max);
    CHECK(all.calls.back() == start + std::chrono::days{400});
    CHECK(all.calls.front() == start + std::chrono::days{400} - 99min);
    auto yearly = minutely(MissedRule::all);
    yearly.cron = "@yearly";
    yearly = *begun(yearly, start);
    const auto years = due_at(yearly, start + std::chrono::days{3 * 366});
    CHECK(years.calls.size() == 3);
}

TEST_CASE("Schedule: a change of when, and the end of a pause, begin anew") {
    const auto now = start + 10min + 1s;
    const auto schedule = minutely();
    SchedulePatch patch;
    SUBCASE("another expression") {
        patch.cron = "@hourly";
        const auto changed = apply(schedule, patch, now);
        REQUIRE(changed);
        CHECK(changed->next_at == start + 1h);
        CHECK(changed->rev == schedule.rev + 1);
        CHECK(changed->updated_at == now);
    }
    SUBCASE("another zone") {
        patch.time_zone = "Asia/Kathmandu";
        CHECK(apply(schedule, patch, now)->next_at == start + 11min);
    }
    SUBCASE("a pause and its end") {
        patch.paused = true;
        const auto paused = apply(schedule, patch, now);
        REQUIRE(paused);
        CHECK(paused->next_at == std::nullopt);
        CHECK(due_at(*paused, now + 1h).calls.empty());
        patch.paused = false;
        CHECK(apply(*paused, patch, now + 1h)->next_at == start + 1h + 11min);
    }
    SUBCASE("what else changes leaves it due") {
        patch.body = "other";
        const auto changed = apply(schedule, patch, now);
        CHECK(changed->next_at == schedule.next_at);
        CHECK(changed->body == "other");
        CHECK(apply(*changed, patch, now + 1s) == *changed);
    }
    SUBCASE("another id") {
        patch.id = "other";
        CHECK_FALSE(apply(schedule, patch, now));
    }
}

TEST_CASE("Schedule: what is wrong is refused") {
    const auto with = [](auto change) {
        auto schedule = minutely();
        change(schedule);
        return why_not(schedule);
    };
    CHECK(why_not(minutely()) == "valid");
    CHECK(with([](Schedule& s) { s.fn_id = ""; }) == "Missing fn_id on Schedule");
    CHECK(with([](Schedule& s) { s.cron = ""; }) == "Missing cron on Schedule");
    CHECK(with([](Schedule& s) { s.cron = "0 0 30 2 *"; }).contains("no day ever matches"));
    CHECK(with([](Schedule& s) { s.time_zone = "Nowhere"; }).starts_with("time_zone is not"));
    CHECK(with([](Schedule& s) { s.name = std::string(256, 'x'); }).starts_with("name takes"));
    CHECK(with([](Schedule& s) { s.body = std::string(65'537, 'x'); }).starts_with("body takes"));
    CHECK(with([](Schedule& s) { s.body = std::string(65'536, 'x'); }) == "valid");
    CHECK(with([](Schedule& s) { s.headers = {{"X-A", "1\r\nB: 2"}}; }).contains("not valid"));
    CHECK(with([](Schedule& s) { s.content_type = "a\nb"; }) == "content_type is not valid");
    for (const auto* name :
         {"Host", "connection", "Content-Length", "Fn-Call-Id", "Authorization"}) {
        CHECK(with([&](Schedule& s) { s.headers = {{name, "x"}}; }).contains("cannot be set"));
    }
    CHECK(with([](Schedule& s) { s.headers.assign(65, {"X-A", "b"}); }).starts_with("headers: "));
    CHECK(with([](Schedule& s) { s.headers.assign(9, {"X-A", std::string(1000, 'b')}); }
    ).starts_with("headers: "));
}

TEST_CASE("Schedule: read from JSON and shown as JSON") {
    const auto body = parse_json_object(R"({"fn_id":"fn","name":"n","cron":"@daily",
        "time_zone":"Europe/Berlin","missed":"all","paused":true,"content_type":"text/plain",
        "headers":{"X-A":"1","X-B":["2","3"]},"body":"b","app_id":"ignored"})");
    REQUIRE(body);
    const auto read = schedule_from_json(*body);
    REQUIRE(read);
    CHECK(read->headers == Headers{{"X-A", "1"}, {"X-B", "2"}, {"X-B", "3"}});
    CHECK(read->missed == MissedRule::all);
    CHECK(read->paused);
    const auto shown = to_json(*read);
    for (const auto* key : {"fn_id", "name", "cron", "time_zone", "missed", "paused", "body"}) {
        CHECK(shown[key] == body->at(key));
    }
    CHECK(shown["headers"]["X-B"] == Json::array({"2", "3"}));
    CHECK_FALSE(shown.contains("next_at"));
    CHECK(to_json(minutely())["next_at"] == "2026-01-01T00:01:00.000Z");
}

TEST_CASE("Schedule: JSON of a wrong type is refused") {
    for (const auto* text :
         {R"({"cron":1})",
          R"({"paused":"no"})",
          R"({"headers":["a"]})",
          R"({"headers":{"A":1}})",
          R"({"headers":{"A":[1]}})",
          R"({"body":{}})",
          R"({"missed":"never"})"}) {
        CAPTURE(text);
        const auto body = parse_json_object(text);
        REQUIRE(body);
        CHECK_FALSE(schedule_from_json(*body));
        CHECK_FALSE(schedule_patch_from_json(*body));
    }
    CHECK_FALSE(schedule_from_json(*parse_json_object(R"({"id":"x"})")));
    CHECK(schedule_patch_from_json(*parse_json_object(R"({"body":null})"))->body == std::nullopt);
}

}  // namespace
}  // namespace stoker
