#include "api/delayed_calls.hpp"

#include <doctest/doctest.h>

#include "tests/api/api_fixture.hpp"

namespace stoker::test {

namespace {

/// An interval so long that only what the api knows by itself can make it look.
void never_by_interval(ApiSettings& settings) { settings.delayed.interval = std::chrono::hours(1); }

Answer call_delayed(const ApiFixture& api, const std::string& fn_id, const Headers& more) {
    Headers headers{{"Fn-Invoke-Type", "async"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return api.send("POST", "/invoke/" + fn_id, "x", headers);
}

}  // namespace

TEST_CASE("delayed: a delayed call shows when it will run, and is put then") {
    ApiFixture api(never_by_interval);
    const auto fn_id = api.make_fn(api.make_app());
    const auto accepted = call_delayed(api, fn_id, {{"Stoker-Delay", "300ms"}});
    REQUIRE(accepted.status == 202);
    const auto id = accepted.header("Fn-Call-Id");
    const auto call = api.json(api.get("/v2/calls/" + id));
    const auto run_at = parse_time(std::string(call["run_at"]));
    REQUIRE(run_at);
    CHECK(*run_at == *parse_time(std::string(call["created_at"])) + Millis{300});
    if (wall_now() < *run_at) {
        CHECK(call["status"] == "delayed");
        CHECK_FALSE(call.contains("phase"));
    }
    while (api.queue.queued().empty()) std::this_thread::yield();
    CHECK(wall_now() >= *run_at);
    CHECK(api.queue.queued() == std::vector<Message>{{id, fn_id, 0}});
    CHECK(api.json(api.get("/v2/calls/" + id))["status"] == "queued");
}

TEST_CASE("delayed: each of several is put at its time, whichever was accepted first") {
    ApiFixture api(never_by_interval);
    const auto fn_id = api.make_fn(api.make_app());
    const auto late = call_delayed(api, fn_id, {{"Stoker-Delay", "400ms"}}).header("Fn-Call-Id");
    const auto soon = call_delayed(api, fn_id, {{"Stoker-Delay", "20ms"}}).header("Fn-Call-Id");
    while (api.queue.queued().size() < 2) std::this_thread::yield();
    CHECK(api.queue.queued()[0].call_id == soon);
    CHECK(api.queue.queued()[1].call_id == late);
}

TEST_CASE("delayed: those of other processes are found by looking") {
    ApiFixture api([](ApiSettings& settings) { settings.delayed.interval = Millis{5}; });
    const auto fn_id = api.make_fn(api.make_app());
    NewCall other;
    other.call.id = "of another";
    other.call.fn_id = fn_id;
    other.call.status = CallStatus::delayed;
    other.call.run_at = wall_now() + Millis{20};
    REQUIRE(run(api.store.accept(other)));
    while (api.queue.queued().empty()) std::this_thread::yield();
    CHECK(api.queue.queued()[0].call_id == "of another");
}

TEST_CASE("delayed: an outcome that is not known is neither put nor forgotten") {
    ApiFixture api([](ApiSettings& settings) { settings.delayed.interval = Millis{5}; });
    const auto fn_id = api.make_fn(api.make_app());
    api.store.lose_answers = 3;
    const auto answer = call_delayed(api, fn_id, {{"Stoker-Delay", "50ms"}});
    CHECK(answer.status == 503);
    while (api.queue.queued().empty()) std::this_thread::yield();
    CHECK(api.queue.queued()[0].call_id == answer.header("Fn-Call-Id"));
}

TEST_CASE("delayed: bad values are refused before the body is read, and nothing is stored") {
    const ApiFixture api;
    const auto fn_id = api.make_fn(api.make_app());
    CHECK(call_delayed(api, fn_id, {{"Stoker-Delay", "soon"}}).status == 400);
    CHECK(call_delayed(api, fn_id, {{"Stoker-Delay", "31d"}}).status == 400);
    CHECK(call_delayed(api, fn_id, {{"Stoker-Delay", "721h"}}).status == 400);
    const auto sync = api.send("POST", "/invoke/" + fn_id, "x", {{"Stoker-Delay", "1s"}});
    CHECK(sync.status == 400);
    CHECK(api.message(sync) == "Stoker-Delay needs an asynchronous call");
    CHECK(api.store.accepts == 0);
}

TEST_CASE("delayed: those that are delayed count when calls are admitted") {
    const ApiFixture api([](ApiSettings& settings) { settings.accept.depth_max = 2; });
    const auto fn_id = api.make_fn(api.make_app());
    for (int i = 0; i < 2; ++i) {
        CHECK(call_delayed(api, fn_id, {{"Stoker-Delay", "1h"}}).status == 202);
    }
    const auto refused = call_delayed(api, fn_id, {});
    CHECK(refused.status == 503);
    CHECK(api.json(refused)["code"] == "queue_full");
}

}  // namespace stoker::test
