#include "api/call_actions.hpp"

#include <doctest/doctest.h>

#include "tests/api/api_fixture.hpp"

namespace stoker::test {

namespace {

class ActionFixture : public ApiFixture {
public:
    ActionFixture() : fn_id(make_fn(make_app())) {}

    std::string accept(const Headers& more = {}) const {
        Headers headers{{"Fn-Invoke-Type", "async"}};
        headers.insert(headers.end(), more.begin(), more.end());
        return send("POST", "/invoke/" + fn_id, "x", headers).header("Fn-Call-Id");
    }
    Answer cancel(const std::string& call_id) const {
        return send("POST", "/v2/calls/" + call_id + "/cancel");
    }

    const std::string fn_id;
};

}  // namespace

TEST_CASE("cancel: a call that waits or is delayed is cancelled, and whoever waits for it hears") {
    ActionFixture api;
    const auto id = api.accept();
    const auto delayed = api.accept({{"Stoker-Delay", "1h"}});
    for (const auto& each : {id, delayed}) {
        const auto heard = [&]() -> Task<std::optional<CallEvent>> {
            const auto lane = co_await asio::this_coro::executor;
            const auto subscription = api.events->subscribe_call(each, lane);
            const auto answer = api.cancel(each);
            CHECK(answer.status == 200);
            CHECK(api.json(answer)["status"] == "cancelled");
            CHECK(api.json(answer)["error_code"] == "cancelled");
            co_return co_await subscription->next(deadline_in(Millis{10'000}));
        };
        const auto event = run(heard());
        REQUIRE(event);
        CHECK(event->status == CallStatus::cancelled);
        CHECK(api.json(api.get("/v2/calls/" + each))["status"] == "cancelled");
        CHECK(api.cancel(each).status == 200);
    }
}

TEST_CASE("cancel: a running call is asked to stop, and shows that") {
    ActionFixture api;
    const auto id = api.accept();
    api.claim(id);
    CHECK_FALSE(api.json(api.get("/v2/calls/" + id)).contains("cancel_requested"));
    const auto answer = api.cancel(id);
    CHECK(answer.status == 202);
    CHECK(api.json(answer)["status"] == "running");
    CHECK(api.json(answer)["cancel_requested"] == true);
    CHECK(api.json(api.get("/v2/calls/" + id))["cancel_requested"] == true);
    const auto heartbeat = run(api.store.heartbeat("worker", Millis{60'000}));
    REQUIRE(heartbeat);
    CHECK(heartbeat->cancel_calls == std::vector<std::string>{id});
}

TEST_CASE("cancel: a call that has ended is shown as it ended") {
    ActionFixture api;
    const auto id = api.accept();
    FinishedCall finished;
    finished.fence = api.claim(id);
    api.finish(std::move(finished));
    const auto answer = api.cancel(id);
    CHECK(answer.status == 409);
    CHECK(api.json(answer)["status"] == "success");
    CHECK(api.json(answer)["id"] == id);
    CHECK(api.json(answer)["code"] == "call_ended");
    CHECK(api.message(answer) == "Call has ended");
}

TEST_CASE("cancel: only a call there is, in the fn it is of") {
    ActionFixture api;
    const auto other = api.make_fn(api.make_app("other"));
    const auto id = api.accept();
    CHECK(api.cancel("none").status == 404);
    CHECK(api.send("POST", "/v2/fns/" + other + "/calls/" + id + "/cancel").status == 404);
    CHECK(api.json(api.get("/v2/calls/" + id))["status"] == "queued");
    const auto nested = api.send("POST", "/v2/fns/" + api.fn_id + "/calls/" + id + "/cancel");
    CHECK(nested.status == 200);
    CHECK(api.get("/v2/calls/" + id + "/cancel").status == 405);
}

}  // namespace stoker::test
