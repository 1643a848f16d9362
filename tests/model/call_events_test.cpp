#include "model/call_events.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "common/async/lanes.hpp"
#include "tests/support/run.hpp"

using namespace stoker;
using namespace std::chrono_literals;

namespace {

CallEvent event(std::string call, std::string fn, CallStatus status, int attempt = 0) {
    return {std::move(call), std::move(fn), status, attempt};
}

}  // namespace

TEST_CASE("CallEvents: a subscriber gets the events of its call, in order") {
    const auto events = make_local_call_events();
    test::run([](CallEvents& all) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const auto mine = all.subscribe_call("C", lane);
        all.publish(event("C", "F", CallStatus::running, 1));
        all.publish(event("other", "F", CallStatus::running, 1));
        all.publish(event("C", "F", CallStatus::success, 1));
        const auto first = co_await mine->next(deadline_in(10s));
        REQUIRE(first);
        CHECK(first->call_id == "C");
        CHECK(first->fn_id == "F");
        CHECK(first->status == CallStatus::running);
        CHECK(first->attempt == 1);
        const auto second = co_await mine->next(deadline_in(10s));
        REQUIRE(second);
        CHECK(second->status == CallStatus::success);
        CHECK_FALSE(co_await mine->next(deadline_in(0s)));
    }(*events));
}

TEST_CASE("CallEvents: a subscriber of a fn gets the events of all its calls") {
    const auto events = make_local_call_events();
    test::run([](CallEvents& all) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const auto mine = all.subscribe_fn("F", lane);
        all.publish(event("C1", "F", CallStatus::queued));
        all.publish(event("C2", "G", CallStatus::queued));
        all.publish(event("C3", "F", CallStatus::queued));
        CHECK((co_await mine->next(deadline_in(10s)))->call_id == "C1");
        CHECK((co_await mine->next(deadline_in(10s)))->call_id == "C3");
    }(*events));
}

TEST_CASE("CallEvents: nothing is kept for those who subscribe later") {
    const auto events = make_local_call_events();
    test::run([](CallEvents& all) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        all.publish(event("C", "F", CallStatus::queued));
        const auto late = all.subscribe_call("C", lane);
        CHECK_FALSE(co_await late->next(deadline_in(0s)));
    }(*events));
}

TEST_CASE("CallEvents: of a long backlog the newest 64 events are kept") {
    const auto events = make_local_call_events();
    test::run([](CallEvents& all) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const auto mine = all.subscribe_call("C", lane);
        for (int i = 0; i < 100; ++i) all.publish(event("C", "F", CallStatus::running, i));
        for (int i = 36; i < 100; ++i) CHECK((co_await mine->next(deadline_in(10s)))->attempt == i);
        CHECK_FALSE(co_await mine->next(deadline_in(0s)));
    }(*events));
}

TEST_CASE("CallEvents: two subscribers both get an event, and one may leave") {
    const auto events = make_local_call_events();
    test::run([](CallEvents& all) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        auto one = all.subscribe_call("C", lane);
        const auto two = all.subscribe_call("C", lane);
        all.publish(event("C", "F", CallStatus::queued));
        CHECK(co_await one->next(deadline_in(10s)));
        one.reset();
        all.publish(event("C", "F", CallStatus::running));
        CHECK((co_await two->next(deadline_in(10s)))->status == CallStatus::queued);
        CHECK((co_await two->next(deadline_in(10s)))->status == CallStatus::running);
    }(*events));
}

TEST_CASE("CallEvents: a subscription may outlive its source") {
    auto events = make_local_call_events();
    asio::io_context lane(1);
    const auto mine = events->subscribe_call("C", lane.get_executor());
    events.reset();
}

TEST_CASE("CallEvents: a waiter is woken by events of other threads") {
    const auto events = make_local_call_events();
    constexpr int count = 2000;
    test::run([](CallEvents& all) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const auto mine = all.subscribe_call("C", lane);
        // Older events may be dropped on the way; the last one is certain to arrive.
        const std::jthread publisher([&] {
            for (int i = 1; i <= count; ++i) all.publish(event("C", "F", CallStatus::running, i));
        });
        int last = 0;
        while (last < count) {
            const auto next = co_await mine->next(deadline_in(60s));
            REQUIRE(next);
            CHECK(next->attempt > last);
            last = next->attempt;
        }
    }(*events));
}
