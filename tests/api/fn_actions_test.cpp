#include "api/fn_actions.hpp"

#include <doctest/doctest.h>

#include "tests/api/api_fixture.hpp"

namespace stoker::test {

namespace {

class FnFixture : public ApiFixture {
public:
    explicit FnFixture(const std::function<void(ApiSettings&)>& tweak = {}) :
        ApiFixture(tweak),
        fn_id(make_fn(make_app())) {}

    Answer act(const std::string& action) const {
        return send("POST", "/v2/fns/" + fn_id + "/" + action);
    }
    Json call(const std::string& id) const { return json(get("/v2/calls/" + id)); }

    const std::string fn_id;
};

/// Sweeps often.
void sweep_at_once(ApiSettings& settings) {
    settings.sweeper.interval = Millis{5};
    settings.sweeper.queue_starts_empty = false;
}

}  // namespace

TEST_CASE("pause: calls are accepted and held, and say so; they go on when it is resumed") {
    FnFixture api(sweep_at_once);
    const auto paused = api.act("pause");
    CHECK(paused.status == 200);
    CHECK(api.json(paused)["paused"] == true);
    CHECK(api.json(api.get("/v2/fns/" + api.fn_id))["paused"] == true);
    const auto id = api.accept_call(api.fn_id);
    CHECK(api.call(id)["status"] == "queued");
    CHECK(api.call(id)["waiting_for"] == "its function is paused");
    CHECK(api.queue.queued().empty());

    const auto resumed = api.act("resume");
    CHECK(resumed.status == 200);
    CHECK_FALSE(api.json(resumed).contains("paused"));
    while (api.queue.queued().empty()) std::this_thread::yield();
    CHECK(api.queue.queued()[0].call_id == id);
    CHECK(api.call(id)["waiting_for"] == "no worker is alive");
}

TEST_CASE("pause: held calls count when calls are admitted") {
    FnFixture api([](ApiSettings& settings) {
        settings.accept.depth_max = 1;
        settings.delayed.interval = settings.delayed.count_interval = Millis{5};
    });
    CHECK(api.act("pause").status == 200);
    api.accept_call(api.fn_id);
    const auto accept = [&] {
        return api.send("POST", "/invoke/" + api.fn_id, "x", {{"Fn-Invoke-Type", "async"}});
    };
    auto refused = accept();
    while (refused.status == 202) refused = accept();
    CHECK(refused.status == 503);
    CHECK(api.json(refused)["code"] == "queue_full");
}

TEST_CASE("purge: what waits is cancelled, counted, and whoever waits for it hears") {
    FnFixture api;
    const auto id = api.accept_call(api.fn_id);
    const auto running = api.accept_call(api.fn_id);
    api.claim(running);
    const auto heard = [&]() -> Task<std::optional<CallEvent>> {
        const auto lane = co_await asio::this_coro::executor;
        const auto subscription = api.events->subscribe_call(id, lane);
        const auto purged = api.act("purge");
        CHECK(purged.status == 200);
        CHECK(api.json(purged)["cancelled"] == 1);
        co_return co_await subscription->next(deadline_in(Millis{10'000}));
    };
    REQUIRE(run(heard()));
    CHECK(api.call(id)["status"] == "cancelled");
    CHECK(api.call(running)["status"] == "running");
    CHECK(api.json(api.act("purge"))["cancelled"] == 0);
}

TEST_CASE("fn actions: an unknown fn is not found") {
    const ApiFixture api;
    for (const auto* action : {"pause", "resume", "purge"}) {
        CHECK(api.send("POST", "/v2/fns/none/" + std::string(action)).status == 404);
    }
}

}  // namespace stoker::test
