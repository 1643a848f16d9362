#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>

#include "common/async/blocking_pool.hpp"
#include "common/async/gate.hpp"
#include "common/async/lanes.hpp"
#include "common/async/latch.hpp"
#include "common/async/one_shot.hpp"
#include "common/async/spawn.hpp"
#include "common/async/turns.hpp"
#include "tests/support/run.hpp"

using namespace stoker;
using namespace std::chrono_literals;

namespace {

Deadline far_away() { return deadline_in(30s); }

Task<> turn_over() {
    for (int i = 0; i < 3; ++i) {
        co_await asio::post(co_await asio::this_coro::executor, use_task);
    }
}

}  // namespace

TEST_CASE("OneShot: a value set before or during the wait arrives, and the first one counts") {
    test::run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const OneShot<int> early(lane);
        early.set(1);
        early.set(2);
        co_await turn_over();
        CHECK(co_await early.wait(far_away()) == 1);

        const OneShot<int> late(lane);
        const std::jthread setter([late] { late.set(3); });
        CHECK(co_await late.wait(far_away()) == 3);
    }());
}

TEST_CASE("OneShot: the deadline ends the wait, and the setter may still set") {
    test::run([]() -> Task<> {
        const OneShot<int> never(co_await asio::this_coro::executor);
        CHECK_FALSE(co_await never.wait(deadline_in(0s)));
        never.set(1);
        co_await turn_over();
    }());
}

TEST_CASE("Latch: any number of tasks get the value, before and after it is set") {
    test::run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        Latch<std::string> latch;
        CHECK_FALSE(latch.is_set());
        CHECK_FALSE(co_await latch.wait(deadline_in(0s)));
        int got = 0;
        const auto waiter = [](Latch<std::string>& from, int& count) -> Task<> {
            if (co_await from.wait(far_away()) == "value") ++count;
        };
        for (int i = 0; i < 3; ++i) spawn(lane, "waiter", waiter(latch, got));
        co_await turn_over();
        latch.set("value");
        latch.set("other");
        CHECK(latch.is_set());
        CHECK(co_await latch.wait(far_away()) == "value");
        co_await turn_over();
        CHECK(got == 3);
    }());
}

TEST_CASE("Latch: whoever gave up waiting leaves nothing behind") {
    test::run([]() -> Task<> {
        Latch<bool> latch;
        for (int i = 0; i < 100; ++i) CHECK_FALSE(co_await latch.wait(deadline_in(0s)));
        CHECK(latch.waiting() == 0);
        const auto lane = co_await asio::this_coro::executor;
        bool told = false;
        const auto waiter = [](Latch<bool>& from, bool& got) -> Task<> {
            got = (co_await from.wait(far_away())).has_value();
        };
        spawn(lane, "waiter", waiter(latch, told));
        co_await turn_over();
        CHECK_FALSE(co_await latch.wait(deadline_in(0s)));
        CHECK(latch.waiting() == 1);
        latch.set(true);
        co_await turn_over();
        CHECK(told);
    }());
}

TEST_CASE("Gate: closing waits for the last to leave and lets nobody in") {
    test::run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        Gate gate;
        auto pass = gate.enter();
        auto other = gate.enter();
        REQUIRE(pass);
        REQUIRE(other);
        CHECK(gate.inside() == 2);
        auto moved = std::move(*pass);
        pass.reset();
        CHECK(gate.inside() == 2);
        bool left = false;
        asio::post(lane, [&] {
            CHECK_FALSE(gate.enter());
            other.reset();
            left = true;
            [[maybe_unused]] const auto ended = std::move(moved);
        });
        CHECK(co_await gate.close(far_away()));
        CHECK(left);
        CHECK(gate.inside() == 0);
        CHECK(co_await gate.close(deadline_in(0s)));
    }());
}

TEST_CASE("Gate: closing gives up at its deadline") {
    test::run([]() -> Task<> {
        Gate gate;
        const auto pass = gate.enter();
        CHECK_FALSE(co_await gate.close(deadline_in(0s)));
    }());
}

TEST_CASE("Gate: threads that leave at once wake the closer once") {
    for (int round = 0; round < 200; ++round) {
        Gate gate;
        std::vector<Gate::Pass> passes;
        for (int i = 0; i < 4; ++i) passes.push_back(*gate.enter());
        std::vector<std::jthread> threads;
        for (auto& pass : passes) {
            threads.emplace_back([mine = std::move(pass)]() mutable {
                [[maybe_unused]] const auto ended = std::move(mine);
            });
        }
        CHECK(test::run(gate.close(far_away())));
    }
}

TEST_CASE("spawn: a task that throws is contained, and a closed gate drops the task") {
    test::run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const auto thrower = []() -> Task<> {
            co_await turn_over();
            throw std::runtime_error("expected by the test");
        };
        Gate gate;
        spawn(gate, lane, "thrower", thrower());
        CHECK(gate.inside() == 1);
        CHECK(co_await gate.close(far_away()));

        bool ran = false;
        const auto runner = [](bool& flag) -> Task<> {
            flag = true;
            co_return;
        };
        spawn(gate, lane, "dropped", runner(ran));
        co_await turn_over();
        CHECK_FALSE(ran);
        spawn(lane, "kept", runner(ran));
        co_await turn_over();
        CHECK(ran);
    }());
}

TEST_CASE("BlockingPool: work runs on another thread and its result comes back to the lane") {
    BlockingPool pool(2, 10);
    test::run([](BlockingPool& on) -> Task<> {
        const auto here = std::this_thread::get_id();
        const auto there = co_await on.run([] { return std::this_thread::get_id(); }, far_away());
        REQUIRE(there);
        CHECK(*there != here);
        CHECK(std::this_thread::get_id() == here);
    }(pool));
}

TEST_CASE("BlockingPool: more than the bound is refused, and a stopped pool takes nothing") {
    BlockingPool pool(1, 2);
    std::latch blocked(1);
    std::latch running(1);
    std::atomic<int> ran{0};
    CHECK(pool.post([&] {
        running.count_down();
        blocked.wait();
        ++ran;
    }));
    running.wait();
    CHECK(pool.post([&] { ++ran; }));
    CHECK(pool.post([&] { ++ran; }));
    CHECK_FALSE(pool.post([&] { ++ran; }));
    const auto full = test::run(pool.run([] { return 1; }, far_away()));
    CHECK_FALSE(full);
    blocked.count_down();
    pool.stop();
    CHECK(ran == 3);
    CHECK_FALSE(pool.post([] {}));
}

TEST_CASE("BlockingPool: the deadline passes while the work goes on") {
    BlockingPool pool(1, 2);
    std::latch blocked(1);
    std::atomic<bool> ended{false};
    // The late result is posted to the lane, which therefore outlives the pool's work.
    test::run([](BlockingPool& on, std::latch& gate, std::atomic<bool>& flag) -> Task<> {
        const auto late = co_await on.run(
            [&] {
                gate.wait();
                flag = true;
                return 1;
            },
            deadline_in(0s)
        );
        CHECK_FALSE(late);
        gate.count_down();
        on.stop();
        CHECK(flag);
        co_await turn_over();
    }(pool, blocked, ended));
}

TEST_CASE("Lanes: each is one thread, and next() takes them in turn") {
    Lanes lanes(3);
    CHECK(lanes.size() == 3);
    lanes.start();
    const auto thread_of = [](Executor lane) {
        std::thread::id id;
        std::latch done(1);
        asio::post(lane, [&] {
            id = std::this_thread::get_id();
            done.count_down();
        });
        done.wait();
        return id;
    };
    std::vector<std::thread::id> threads;
    for (std::size_t i = 0; i < 3; ++i) {
        threads.push_back(thread_of(lanes.at(i)));
        CHECK(thread_of(lanes.at(i)) == threads.back());
    }
    CHECK(threads[0] != threads[1]);
    CHECK(threads[1] != threads[2]);
    CHECK(threads[0] != threads[2]);
    const auto first = lanes.next();
    CHECK(lanes.next() != first);
    CHECK(lanes.next() != first);
    CHECK(lanes.next() == first);
    lanes.stop();
}

TEST_CASE("Turns: so many at once, the others in the order in which they came") {
    test::run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        Turns turns(2);
        std::vector<int> order;
        Gate running;
        {
            const auto first = co_await turns.take();
            auto second = co_await turns.take(far_away());
            CHECK_FALSE(co_await turns.take(deadline_in(0s)));
            for (int i = 0; i < 3; ++i) {
                spawn(
                    running,
                    lane,
                    "take",
                    [](Turns& of, std::vector<int>& into, int who) -> Task<> {
                        const auto turn = co_await of.take(far_away());
                        if (turn) into.push_back(who);
                        co_await turn_over();
                    }(turns, order, i)
                );
            }
            co_await turn_over();
            CHECK(order.empty());
            second.reset();
            co_await turn_over();
            CHECK_FALSE(order.empty());
        }
        CHECK(co_await running.close(far_away()));
        CHECK(order == std::vector{0, 1, 2});
        // None was lost.
        const auto one = co_await turns.take(deadline_in(0s));
        const auto other = co_await turns.take(deadline_in(0s));
        CHECK((one && other));
    }());
}
