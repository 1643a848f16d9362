// The life of the whole front: start, drain, stop, and what is waiting when it starts.

#include "api/api.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "tests/api/api_fixture.hpp"

namespace stoker::test {

TEST_CASE("Api: start fills the queue with the calls that wait") {
    ApiFixture first;
    const auto call_id = first.accept_call(first.make_fn(first.make_app()));

    FakeQueue queue;
    Lanes lanes(1);
    Metrics metrics;
    Api second(
        ApiDeps{
            lanes,
            first.store,
            queue,
            first.invoker,
            *first.events,
            metrics,
            first.ids,
            first.clock,
            [](std::uint64_t, std::uint64_t) { return true; },
            {}
        },
        [] {
            ApiSettings settings;
            settings.listen.port = 0;
            return settings;
        }()
    );
    REQUIRE(second.start());
    lanes.start();
    while (queue.queued().empty()) std::this_thread::yield();
    CHECK(queue.queued().front().call_id == call_id);
    CHECK(run(second.stop(deadline_in(Millis{5'000}))));
    lanes.stop();
}

TEST_CASE("Api: draining refuses calls and readiness, and goes on reading") {
    ApiFixture api;
    const auto fn_id = api.make_fn(api.make_app());
    const auto call_id = api.accept_call(fn_id);
    api.api->drain();
    CHECK(api.get("/readyz").status == 503);
    for (const auto* type : {"sync", "async"}) {
        const auto refused = api.send("POST", "/invoke/" + fn_id, "x", {{"Fn-Invoke-Type", type}});
        CHECK(refused.status == 503);
        CHECK(ApiFixture::json(refused)["code"] == "shutting_down");
    }
    CHECK(api.get("/v2/calls/" + call_id).status == 200);
}

TEST_CASE("Api: a port in use is an error of start") {
    ApiFixture api;
    ApiSettings settings;
    settings.listen.port = api.api->port();
    Metrics metrics;
    Api second(
        ApiDeps{
            api.lanes,
            api.store,
            api.queue,
            api.invoker,
            *api.events,
            metrics,
            api.ids,
            api.clock,
            [](std::uint64_t, std::uint64_t) { return true; },
            {}
        },
        settings
    );
    CHECK_FALSE(second.start());
}

TEST_CASE("Api: many clients at once, on all lanes") {
    ApiFixture api;
    const auto fn_id = api.make_fn(api.make_app());
    std::vector<std::thread> clients;
    std::atomic<int> good{0};
    for (int i = 0; i < 8; ++i) {
        clients.emplace_back([&] {
            auto client = api.connect();
            for (int n = 0; n < 50; ++n) {
                const auto path = "/invoke/" + fn_id;
                const auto body = std::to_string(n);
                if (client.request(ApiFixture::text_of("POST", path, body)).body == body) ++good;
                const auto accepted = client.request(
                    ApiFixture::text_of("POST", path, body, {{"Fn-Invoke-Type", "async"}})
                );
                const auto read = client.request(
                    ApiFixture::text_of("GET", "/v2/calls/" + accepted.header("Fn-Call-Id"))
                );
                if (accepted.status == 202 && read.status == 200) ++good;
            }
        });
    }
    for (auto& client : clients) client.join();
    CHECK(good == 800);
    CHECK(api.queue.queued().size() == 400);
}

}  // namespace stoker::test
