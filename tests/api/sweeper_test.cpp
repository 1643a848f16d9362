#include "api/sweeper.hpp"

#include <doctest/doctest.h>

#include "tests/api/api_fixture.hpp"

namespace stoker::test {

namespace {

class SweepFixture {
public:
    SweepFixture() :
        real_store(open_test_store(folder, clock, metrics)),
        store(*real_store),
        events(make_local_call_events()),
        outbox(queue, {}, metrics),
        sweeper(store, queue, outbox, *events, limits, metrics) {}

    void add_calls(int count) {
        App app;
        app.id = "app";
        app.name = "app";
        REQUIRE(run(store.insert_app(app)));
        Fn fn;
        fn.id = "fn";
        fn.app_id = "app";
        fn.name = "fn";
        fn.image = "img";
        REQUIRE(run(store.insert_fn(fn)));
        for (int i = 0; i < count; ++i) {
            NewCall call;
            call.call.id = std::to_string(100 + i);
            call.call.app_id = "app";
            call.call.fn_id = "fn";
            REQUIRE(run(store.accept(std::move(call))));
        }
    }
    void sweep_at(Millis after_start) { run(sweeper.sweep(started + after_start)); }

    static constexpr SweeperLimits limits{
        .lease = Millis{1'000},
        .grace = Millis{100},
        .rebuild_page = 3,
        // The clock need not go on for a call to have waited for too long.
        .redispatch_slack = Millis{-1'000},
        .redispatch_page = 2
    };
    TempDir folder;
    SystemClock clock;
    Metrics metrics;
    std::unique_ptr<Datastore> real_store;
    FaultyStore store;
    FakeQueue queue;
    std::unique_ptr<CallEvents> events;
    Outbox outbox;
    Sweeper sweeper;
    /// A little after the sweeper's own start.
    const Deadline started = std::chrono::steady_clock::now();
};

using Rebuild = Sweeper::Rebuild;

}  // namespace

TEST_CASE("Sweeper: rebuilds the queue page by page") {
    SweepFixture at;
    at.add_calls(7);
    CHECK(run(at.sweeper.rebuild_step()) == Rebuild::more);
    CHECK(run(at.sweeper.rebuild_step()) == Rebuild::more);
    CHECK(run(at.sweeper.rebuild_step()) == Rebuild::done);
    REQUIRE(at.queue.queued().size() == 7);
    CHECK(at.queue.queued().front() == Message{"100", "fn", 0});
    CHECK(at.queue.queued().back().call_id == "106");
}

TEST_CASE("Sweeper: a rebuild goes on where the queue stopped taking") {
    SweepFixture at;
    at.add_calls(5);
    at.queue.room = 2;
    CHECK(run(at.sweeper.rebuild_step()) == Rebuild::stuck);
    CHECK(run(at.sweeper.rebuild_step()) == Rebuild::stuck);
    at.queue.room = 100;
    CHECK(run(at.sweeper.rebuild_step()) == Rebuild::more);
    CHECK(run(at.sweeper.rebuild_step()) == Rebuild::done);
    CHECK(at.queue.queued().size() == 5);
}

TEST_CASE("Sweeper: an empty store is rebuilt at once") {
    SweepFixture at;
    CHECK(run(at.sweeper.rebuild_step()) == Rebuild::done);
    CHECK(at.queue.puts() == 0);
}

TEST_CASE("Sweeper: waiting calls that the queue has lost are put again, page by page") {
    SweepFixture at;
    at.add_calls(3);
    run(at.sweeper.redispatch_step());
    CHECK(at.queue.queued().empty());  // the queue has not come to them

    at.queue.delivered_to = wall_now() + std::chrono::hours(1);
    run(at.sweeper.redispatch_step());
    REQUIRE(at.queue.queued().size() == 1);  // the walk goes on where it was
    CHECK(at.queue.queued()[0] == Message{"102", "fn", 0});
    run(at.sweeper.redispatch_step());
    CHECK(at.queue.queued().size() == 3);
}

TEST_CASE("Sweeper: calls that have expired end, and that is announced") {
    SweepFixture at;
    at.add_calls(1);
    NewCall old;
    old.call.id = "old";
    old.call.app_id = "app";
    old.call.fn_id = "fn";
    old.call.expires_at = wall_now();
    REQUIRE(run(at.store.accept(std::move(old))));
    const auto expire = [&]() -> Task<std::optional<CallEvent>> {
        const auto lane = co_await asio::this_coro::executor;
        const auto subscription = at.events->subscribe_fn("fn", lane);
        co_await at.sweeper.expire_step();
        co_return co_await subscription->next(deadline_in(Millis{10'000}));
    };
    const auto heard = run(expire());
    REQUIRE(heard);
    CHECK(heard->call_id == "old");
    CHECK(heard->status == CallStatus::timeout);
    CHECK(run(at.store.get_call(Scope::all(), "100"))->status == CallStatus::queued);
}

TEST_CASE("Sweeper: a queue that does not answer is not filled again") {
    SweepFixture at;
    at.add_calls(3);
    at.queue.delivered_to = wall_now() + std::chrono::hours(1);
    at.queue.is_down = true;
    run(at.sweeper.redispatch_step());
    CHECK(at.queue.puts() == 0);
}

TEST_CASE("Sweeper: declares nobody dead before lease and grace have passed since its start") {
    SweepFixture at;
    at.sweep_at(Millis{0});
    at.sweep_at(Millis{1'000});
    CHECK(at.store.sweeps == 0);
    at.sweep_at(Millis{1'200});
    CHECK(at.store.sweeps == 1);
}

TEST_CASE("Sweeper: after an outage of the store the workers get their lease again") {
    SweepFixture at;
    at.sweep_at(Millis{2'000});
    at.store.fail_sweeps = 1;
    at.store.fail_counts = 1;
    at.sweep_at(Millis{3'000});  // fails: the outage begins
    at.sweep_at(Millis{4'000});  // the probe fails
    at.sweep_at(Millis{5'000});  // the probe is answered
    CHECK(at.store.sweeps == 2);
    at.sweep_at(Millis{6'000});
    CHECK(at.store.sweeps == 2);
    at.sweep_at(Millis{6'200});
    CHECK(at.store.sweeps == 3);
}

TEST_CASE("Sweeper: what a sweep moved is announced, and queued if it is to run again") {
    SweepFixture at;
    at.store.swept = {
        {.id = "again", .fn_id = "fn", .status = CallStatus::queued, .attempt = 1, .priority = 2},
        {.id = "over", .fn_id = "fn", .status = CallStatus::error, .attempt = 3, .priority = 0}
    };
    const auto sweep = [&]() -> Task<std::vector<CallEvent>> {
        const auto lane = co_await asio::this_coro::executor;
        const auto subscription = at.events->subscribe_fn("fn", lane);
        co_await at.sweeper.sweep(at.started + Millis{2'000});
        std::vector<CallEvent> heard;
        while (heard.size() < 2) {
            auto event = co_await subscription->next(deadline_in(Millis{10'000}));
            if (!event) break;
            heard.push_back(std::move(*event));
        }
        co_return heard;
    };
    const auto heard = run(sweep());
    REQUIRE(heard.size() == 2);
    CHECK(heard[0].call_id == "again");
    CHECK(heard[0].attempt == 1);
    CHECK(heard[1].status == CallStatus::error);
    CHECK(at.queue.queued() == std::vector<Message>{{"again", "fn", 2}});
}

}  // namespace stoker::test
