#include "worker/idle_steal.hpp"

#include <doctest/doctest.h>

#include <deque>

#include "common/async/spawn.hpp"
#include "model/id.hpp"
#include "queue/embedded/embedded_queue.hpp"
#include "tests/support/deliveries.hpp"
#include "tests/support/run.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

namespace {

Deadline far_away() { return deadline_in(30s); }

constexpr StealLimits quick{.idle_min = 1ms, .age_min = 0ms, .pause = 1ms, .calls_max = 2};

/// The waiting calls of a datastore, and a queue that has none of them.
struct World {
    Metrics metrics;
    EmbeddedQueue queue;
    std::vector<MovedCall> waiting;
    std::deque<std::string> asked_after;
    IdleSteal steal;
    Latch<bool> stopped;
    Deliveries deliveries;

    explicit World(Executor lane, const StealLimits& limits = quick) :
        queue({}, lane, metrics),
        steal(
            queue,
            [this](std::string after_id, int items_max) { return list(after_id, items_max); },
            metrics,
            limits
        ),
        deliveries(steal, lane) {}

    Task<Result<std::vector<MovedCall>>> list(std::string after_id, int items_max) {
        asked_after.push_back(after_id);
        std::vector<MovedCall> page;
        for (const auto& call : waiting) {
            if (call.id > after_id && std::cmp_less(page.size(), items_max)) page.push_back(call);
        }
        co_return page;
    }

    std::string add() {
        static const SystemClock clock;
        static IdSource ids(clock, 3);
        waiting.push_back({.id = ids.next(), .fn_id = "F", .priority = 1});
        return waiting.back().id;
    }

    /// Runs the test beside it.
    template <class Test>
    Task<> with(Test test) {
        const auto lane = co_await asio::this_coro::executor;
        OneShot<bool> ended(lane);
        spawn(lane, "test.steal", [](World& world, OneShot<bool> done) -> Task<> {
            co_await world.steal.run(world.stopped);
            done.set(true);
        }(*this, ended));
        co_await test();
        stopped.set(true);
        CHECK(co_await ended.wait(far_away()));
    }
};

}  // namespace

TEST_CASE("Idle steal: a worker with credit and nothing to do takes what waits in the datastore") {
    run([]() -> Task<> {
        World world(co_await asio::this_coro::executor);
        const auto first = world.add();
        const auto second = world.add();
        const auto third = world.add();
        co_await world.with([&]() -> Task<> {
            world.steal.credit(10);
            auto taken = co_await world.deliveries.take(3, far_away());
            REQUIRE(taken.size() == 3);
            // Two at a time, and those behind them the next time.
            CHECK(taken[0].message() == Message{first, "F", 1});
            CHECK(taken[1].message() == Message{second, "F", 1});
            CHECK(taken[2].message() == Message{third, "F", 1});
            std::move(taken[0]).ack();
            std::move(taken[1]).release(1s);
            world.steal.credit(0);
        });
        CHECK(world.asked_after[0].empty());
        CHECK(world.asked_after[1] == second);
    }());
}

TEST_CASE("Idle steal: no more than there is credit for, and nothing without any") {
    run([]() -> Task<> {
        World world(co_await asio::this_coro::executor);
        for (int i = 0; i < 4; ++i) world.add();
        co_await world.with([&]() -> Task<> {
            world.steal.credit(1);
            auto taken = co_await world.deliveries.next(far_away());
            CHECK(taken);
            world.steal.credit(0);
            const auto asked = world.asked_after.size();
            const auto waiting = world.deliveries.waiting();
            // Any number of its turns.
            for (int i = 0; i < 5; ++i) co_await sleep_for(2ms);
            CHECK(world.asked_after.size() <= asked + 1);
            CHECK(world.deliveries.waiting() == waiting);
        });
    }());
}

TEST_CASE("Idle steal: what the queue has is delivered by the queue, and nothing is stolen then") {
    run([]() -> Task<> {
        World world(co_await asio::this_coro::executor, {.idle_min = 1h, .pause = 1ms});
        const Message message{world.add(), "F", 0};
        co_await world.with([&]() -> Task<> {
            std::vector<Message> batch(1, message);
            const auto answers = co_await world.steal.put(std::move(batch));
            CHECK(answers == std::vector{Put::queued});
            world.steal.credit(5);
            auto delivery = co_await world.deliveries.next(far_away());
            REQUIRE(delivery);
            CHECK(delivery->message() == message);
            std::move(*delivery).ack();
            for (int i = 0; i < 5; ++i) co_await sleep_for(2ms);
            CHECK(world.asked_after.empty());
        });
    }());
}

TEST_CASE("Idle steal: calls that were accepted just now are on their way and left alone") {
    run([]() -> Task<> {
        World world(
            co_await asio::this_coro::executor, {.idle_min = 1ms, .age_min = 1h, .pause = 1ms}
        );
        world.add();
        co_await world.with([&]() -> Task<> {
            world.steal.credit(5);
            while (world.asked_after.size() < 3) co_await sleep_for(1ms);
            CHECK(world.deliveries.waiting() == 0);
        });
    }());
}
