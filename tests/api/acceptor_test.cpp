// The accept protocol under failures of the store and the queue.

#include "api/acceptor.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "tests/api/api_fixture.hpp"
#include "tests/support/eventually.hpp"

namespace stoker::test {

namespace {

const Headers async_header{{"Fn-Invoke-Type", "async"}};

class AcceptFixture : public ApiFixture {
public:
    explicit AcceptFixture(const std::function<void(ApiSettings&)>& tweak = {}) :
        ApiFixture(tweak),
        fn_id(make_fn(make_app())) {}

    Answer accept() const { return send("POST", "/invoke/" + fn_id, "x", async_header); }
    std::string refusal() const {
        const auto answer = accept();
        if (answer.header("Retry-After").empty()) return "no Retry-After";
        return std::to_string(answer.status) + " " + std::string(json(answer)["code"]);
    }
    std::string status_of(const Answer& accepted) const {
        return json(get("/v2/calls/" + accepted.header("Fn-Call-Id")))["status"];
    }
    void wait_for_queued(std::size_t count) const {
        while (queue.queued().size() < count) std::this_thread::yield();
    }

    const std::string fn_id;
};

}  // namespace

TEST_CASE("accept: admission refuses in the order of the protocol, and stores nothing") {
    AcceptFixture api([](ApiSettings& settings) {
        settings.accept.depth_max = 100;
        settings.accept.fn_depth_max = 10;
    });
    api.queue.fn_depth = 10;
    CHECK(api.refusal() == "429 fn_queue_full");
    api.queue.total_depth = 100;
    CHECK(api.refusal() == "503 queue_full");
    api.store.be_unhealthy("the disk is on fire");
    CHECK(api.refusal() == "503 store_unavailable");
    api.api->drain();
    CHECK(api.refusal() == "503 shutting_down");
    CHECK(api.store.accepts == 0);
    CHECK(api.queue.puts() == 0);
}

TEST_CASE("accept: who is refused does not send its body") {
    AcceptFixture api;
    api.queue.total_depth = 2'000'000;
    auto client = api.connect();
    const auto answer = client.request(
        "POST /invoke/" + api.fn_id +
        " HTTP/1.1\r\nHost: a\r\nFn-Invoke-Type: async\r\nExpect: 100-continue\r\nContent-Length: "
        "1000\r\n\r\n"
    );
    CHECK(answer.status == 503);
    CHECK(client.continues == 0);
    CHECK(answer.header("Connection") == "close");
}

TEST_CASE("accept: a store that answers late is asked again for the same call") {
    AcceptFixture api;
    SUBCASE("it did nothing") { api.store.fail_accepts = 2; }
    SUBCASE("it did it and did not say so") { api.store.lose_answers = 2; }
    const auto answer = api.accept();
    CHECK(answer.status == 202);
    CHECK(api.store.accepts == 3);
    CHECK(api.status_of(answer) == "queued");
    CHECK(api.queue.queued().size() == 1);
}

TEST_CASE("accept: after three tries the outcome is unknown, and the answer names the call") {
    AcceptFixture api;
    api.store.lose_answers = 3;
    const auto answer = api.accept();
    CHECK(answer.status == 503);
    CHECK(api.json(answer)["code"] == "outcome_unknown");
    CHECK(answer.header("Retry-After") == "1");
    CHECK(api.store.accepts == 3);
    // It was accepted, in fact; then it shall run.
    CHECK(api.status_of(answer) == "queued");
    api.wait_for_queued(1);
}

TEST_CASE("accept: a call that is repeated with its key is the first one") {
    AcceptFixture api;
    const auto accept = [&](std::string body, const std::string& query = {}) {
        const Headers headers{
            {"Fn-Invoke-Type", "async"}, {"Idempotency-Key", "k"}, {"X-Other", body}
        };
        return api.send("POST", "/invoke/" + api.fn_id + query, body, headers);
    };
    const auto first = accept("x");
    CHECK(first.status == 202);
    CHECK(first.header("Idempotent-Replayed").empty());
    const auto again = accept("x");
    CHECK(again.status == 202);
    CHECK(again.body == first.body);
    CHECK(again.header("Fn-Call-Id") == first.header("Fn-Call-Id"));
    CHECK(again.header("Location") == first.header("Location"));
    CHECK(again.header("Idempotent-Replayed") == "true");
    CHECK(api.queue.queued().size() == 1);
    for (const auto& other : {accept("y"), accept("x", "?a=b")}) {
        CHECK(other.status == 422);
        CHECK(api.json(other)["code"] == "idempotency_mismatch");
    }
    CHECK(api.queue.queued().size() == 1);
}

TEST_CASE("accept: a key makes repeating safe after an unknown outcome") {
    AcceptFixture api;
    const Headers keyed{{"Fn-Invoke-Type", "async"}, {"Idempotency-Key", "k"}};
    api.store.lose_answers = 3;
    const auto unknown = api.send("POST", "/invoke/" + api.fn_id, "x", keyed);
    CHECK(unknown.status == 503);
    const auto again = api.send("POST", "/invoke/" + api.fn_id, "x", keyed);
    CHECK(again.status == 202);
    CHECK(again.header("Fn-Call-Id") == unknown.header("Fn-Call-Id"));
}

TEST_CASE("accept: age and priority are the caller's, else the function's") {
    ApiFixture api;
    const auto fn_id =
        api.make_fn(api.make_app(), "fn", R"(,"type":"async","priority":1,"max_age":"1m")");
    const auto accepted = [&](const Headers& headers) {
        const auto answer = api.send("POST", "/invoke/" + fn_id, "x", headers);
        REQUIRE(answer.status == 202);
        return api.json(api.get("/v2/calls/" + answer.header("Fn-Call-Id")));
    };
    const auto time = [](const Json& call, const char* field) {
        return *parse_time(std::string(call[field]));
    };
    const auto plain = accepted({});
    CHECK(plain["priority"] == 1);
    CHECK(time(plain, "expires_at") - time(plain, "created_at") == std::chrono::minutes(1));
    const auto own = accepted({{"Stoker-Priority", "2"}, {"Stoker-Max-Age", "5s"}});
    CHECK(own["priority"] == 2);
    CHECK(time(own, "expires_at") - time(own, "created_at") == std::chrono::seconds(5));
    const auto delayed = accepted({{"Stoker-Delay", "1h"}});
    CHECK(time(delayed, "expires_at") - time(delayed, "run_at") == std::chrono::minutes(1));
    CHECK(api.queue.queued().at(0).priority == 1);
    CHECK(api.queue.queued().at(1).priority == 2);
}

TEST_CASE("accept: a call that would expire before its turn is refused, and told when to come") {
    AcceptFixture api([](ApiSettings& settings) {
        settings.sweeper.interval = Millis{5};
        settings.sweeper.queue_starts_empty = false;
    });
    const auto accept = [&](const Headers& more) {
        Headers headers = async_header;
        headers.insert(headers.end(), more.begin(), more.end());
        return api.send("POST", "/invoke/" + api.fn_id, "x", headers);
    };
    const Headers soon{{"Stoker-Max-Age", "10s"}};
    CHECK(accept(soon).status == 202);
    // What was put a minute ago has not been delivered.
    api.queue.delivered_to = wall_now() - std::chrono::minutes(1);
    auto refused = accept(soon);
    while (refused.status == 202) refused = accept(soon);
    CHECK(refused.status == 429);
    CHECK(api.json(refused)["code"] == "would_expire");
    const auto after = std::stoi(refused.header("Retry-After"));
    CHECK(after >= 50);
    CHECK(after <= 3'600);
    CHECK(accept({{"Stoker-Max-Age", "1h"}}).status == 202);
    CHECK(accept({}).status == 202);
    CHECK(accept({{"Stoker-Max-Age", "10s"}, {"Stoker-Delay", "1m"}}).status == 202);
}

TEST_CASE("accept: a full queue says to come again when what is in it has been delivered") {
    AcceptFixture api([](ApiSettings& settings) {
        settings.sweeper.interval = Millis{5};
        settings.sweeper.queue_starts_empty = false;
        settings.accept.fn_depth_max = 10;
        settings.accept.depth_max = 100;
    });
    const auto after = [&] {
        const auto refused = api.accept();
        CHECK((refused.status == 429 || refused.status == 503));
        return std::stoi(refused.header("Retry-After"));
    };
    const auto set_lag = [&](Millis lag) { api.queue.delivered_to = wall_now() - lag; };
    api.queue.fn_depth = 10;
    set_lag(Millis{-1'000});
    eventually("no lag is known", [&] { return after() == 1; });
    set_lag(Millis{20'000});
    eventually("the lag is known", [&] { return after() >= 20; });
    CHECK(after() < 60);
    set_lag(std::chrono::hours(1));
    eventually("a long one is cut", [&] { return after() == 60; });
    api.queue.total_depth = 100;
    CHECK(api.accept().status == 503);
    CHECK(after() == 60);
    set_lag(Millis{-1'000});
    eventually("at least some seconds", [&] { return after() == 5; });
}

TEST_CASE("accept: a fn deleted at the last moment is 404") {
    AcceptFixture api;
    CHECK(api.accept().status == 202);  // the fn is in the cache now
    REQUIRE(run(api.real_store->delete_fn(api.fn_id)));
    const auto answer = api.accept();
    CHECK(answer.status == 404);
    CHECK(api.message(answer) == "Fn not found");
}

TEST_CASE("accept: a queue that refuses or does not know delays the call, not the answer") {
    AcceptFixture api;
    SUBCASE("full") { api.queue.answer({Put::full}); }
    SUBCASE("unknown") { api.queue.answer({Put::unknown}); }
    SUBCASE("full for a while") {
        api.queue.answer({Put::full, Put::full, Put::unknown, Put::full});
    }
    const auto answer = api.accept();
    CHECK(answer.status == 202);
    CHECK(api.status_of(answer) == "queued");
    api.wait_for_queued(1);
    CHECK(api.queue.queued().front().call_id == answer.header("Fn-Call-Id"));
}

TEST_CASE("accept: duplicate is as good as queued") {
    AcceptFixture api;
    api.queue.answer({Put::duplicate});
    CHECK(api.accept().status == 202);
    CHECK(api.queue.puts() == 1);
}

TEST_CASE("accept: a queue that does not answer does not hold the caller") {
    AcceptFixture api([](ApiSettings& settings) { settings.outbox.put_wait = Millis{10}; });
    api.queue.hangs = true;
    const auto answer = api.accept();
    CHECK(answer.status == 202);
    CHECK(api.queue.puts() == 0);  // the answer came before the queue had it
    api.queue.hangs = false;
    api.wait_for_queued(1);
}

TEST_CASE("accept: a full outbox closes the door until the queue is well again") {
    AcceptFixture api([](ApiSettings& settings) { settings.outbox.parked_max = 3; });
    api.queue.room = 0;
    for (int i = 0; i < 3; ++i) CHECK(api.accept().status == 202);
    CHECK(api.refusal() == "503 queue_full");
    CHECK(api.get("/readyz").status == 503);
    api.queue.room = 1'000;
    api.wait_for_queued(3);
    while (api.get("/readyz").status != 200) std::this_thread::yield();
    CHECK(api.accept().status == 202);
}

TEST_CASE("accept: who waits for calls of the fn hears of a new one") {
    AcceptFixture api;
    const auto next = [&]() -> Task<std::optional<CallEvent>> {
        const auto lane = co_await asio::this_coro::executor;
        const auto subscription = api.events->subscribe_fn(api.fn_id, lane);
        CHECK(api.accept().status == 202);
        co_return co_await subscription->next(deadline_in(Millis{10'000}));
    };
    const auto event = run(next());
    REQUIRE(event);
    CHECK(event->status == CallStatus::queued);
    CHECK(event->fn_id == api.fn_id);
}

}  // namespace stoker::test
