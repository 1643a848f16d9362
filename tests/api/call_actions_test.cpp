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

TEST_CASE("redrive: a dead call is repeated as a new one with what its caller sent") {
    ActionFixture api;
    const auto id = api.accept({{"Content-Type", "text/x"}, {"X-Mine", "1"}});
    FinishedCall finished;
    finished.fence = api.claim(id);
    finished.end = {CallStatus::error, "it failed", "function_failed"};
    api.finish(std::move(finished));
    const auto redrive = [&](const Headers& headers = {}) {
        return api.send("POST", "/v2/calls/" + id + "/redrive", {}, headers);
    };
    const auto answer = redrive();
    REQUIRE(answer.status == 202);
    const std::string again = api.json(answer)["call_id"];
    CHECK(again != id);
    CHECK(answer.header("Location") == "/v2/calls/" + again);
    const auto call = api.json(api.get("/v2/calls/" + again));
    CHECK(call["redriven_from"] == id);
    CHECK(call["status"] == "queued");
    CHECK(call["attempt"] == 0);
    const auto sent = run(api.store.get_request(Scope::all(), id));
    const auto repeated = run(api.store.get_request(Scope::all(), again));
    REQUIRE(repeated);
    CHECK(repeated->body == sent->body);
    CHECK(repeated->headers == sent->headers);
    CHECK(repeated->content_type == "text/x");
    CHECK(api.queue.queued().back().call_id == again);
    CHECK(api.json(api.get("/v2/calls/" + id))["status"] == "error");

    const Headers keyed{{"Idempotency-Key", "once"}, {"Stoker-Delay", "1h"}};
    const auto delayed = redrive(keyed);
    CHECK(delayed.status == 202);
    CHECK(redrive(keyed).body == delayed.body);
}

TEST_CASE("redrive: only what ended badly, of a function there is") {
    ActionFixture api;
    const auto id = api.accept();
    const auto redrive = [&] { return api.send("POST", "/v2/calls/" + id + "/redrive"); };
    CHECK(redrive().status == 409);
    CHECK(api.json(redrive())["code"] == "call_not_dead");
    CHECK(api.send("POST", "/v2/calls/none/redrive").status == 404);
    FinishedCall finished;
    finished.fence = api.claim(id);
    finished.end.status = CallStatus::killed;
    api.finish(std::move(finished));
    api.queue.total_depth = 2'000'000;
    CHECK(redrive().status == 503);
    api.queue.total_depth = 0;
    CHECK(api.send("DELETE", "/v2/fns/" + api.fn_id).status == 204);
    CHECK(redrive().status == 404);
}

TEST_CASE("dead letters: they are found over all functions, by code and by where they are of") {
    ActionFixture api;
    const auto end = [&](const std::string& code, CallStatus status) {
        const auto id = api.accept();
        FinishedCall finished;
        finished.fence = api.claim(id);
        finished.end = {status, code.empty() ? "" : "it failed", code};
        api.finish(std::move(finished));
        return id;
    };
    const auto failed = end("function_failed", CallStatus::error);
    const auto lost = end("worker_lost", CallStatus::error);
    end("", CallStatus::success);
    const auto waiting = api.accept();
    const auto listed = [&](const std::string& path) {
        std::vector<std::string> ids;
        for (const auto& call : api.json(api.get(path))["items"]) ids.push_back(call["id"]);
        return ids;
    };
    using Ids = std::vector<std::string>;
    CHECK(listed("/v2/dead") == Ids{lost, failed});
    CHECK(listed("/v2/dead?error_code=worker_lost") == Ids{lost});
    CHECK(listed("/v2/dead?fn_id=" + api.fn_id) == Ids{lost, failed});
    CHECK(listed("/v2/dead?fn_id=other").empty());
    CHECK(listed("/v2/dead?per_page=1") == Ids{lost});
    CHECK(listed("/v2/calls?status=queued") == Ids{waiting});
    CHECK(listed("/v2/calls").size() == 4);
    CHECK(
        listed("/v2/fns/" + api.fn_id + "/calls?status=error&error_code=function_failed") ==
        Ids{failed}
    );
    CHECK(api.get("/v2/calls?status=dead").status == 400);
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
