#include "worker/live_calls.hpp"

#include <doctest/doctest.h>

namespace stoker::test {

namespace {

constexpr std::size_t log_bytes_max = 1'000;

LiveCallRef add(LiveCalls& calls, const std::string& owner, int attempt = 1) {
    return calls.add({"call", owner, attempt}, std::make_shared<FnSpec>(), log_bytes_max);
}

/// Far more than a test takes.
Deadline later() { return deadline_in(std::chrono::hours(1)); }

}  // namespace

TEST_CASE("LiveCalls: a call begins in its container while its worker holds the lease") {
    LiveCalls calls;
    calls.own("worker-1", later());
    const auto call = add(calls, "worker-1");
    CHECK(call->begin(nullptr, wall_now()));
    CHECK(call->started_at());
    CHECK(calls.executing() == 1);
    call->left_container();
    CHECK(calls.executing() == 0);
}

TEST_CASE("LiveCalls: a call that expired while it waited does not begin") {
    LiveCalls calls;
    calls.own("worker-1", later());
    const auto until = wall_now() + std::chrono::hours(1);
    const auto call =
        calls.add({"call", "worker-1", 1}, std::make_shared<FnSpec>(), log_bytes_max, until);
    CHECK_FALSE(call->begin(nullptr, until));
    CHECK(call->begin(nullptr, until - Millis{1}));
}

TEST_CASE("LiveCalls: a call that was cancelled while it waited does not begin") {
    LiveCalls calls;
    calls.own("worker-1", later());
    const auto call = add(calls, "worker-1");
    call->cancelled = true;
    CHECK_FALSE(call->begin(nullptr, wall_now()));
    CHECK_FALSE(call->started_at());
    CHECK(calls.executing() == 0);
}

TEST_CASE("LiveCalls: calls that waited when the lease was lost do not begin, later ones do") {
    LiveCalls calls;
    calls.own("worker-1", later());
    const auto waiting = add(calls, "worker-1");
    calls.disown();
    CHECK_FALSE(waiting->begin(nullptr, wall_now()));
    calls.own("worker-2", later());
    CHECK_FALSE(waiting->begin(nullptr, wall_now()));
    CHECK(add(calls, "worker-2", 2)->begin(nullptr, wall_now()));
    // Claimed under the first id, and known here only after the loss.
    CHECK_FALSE(add(calls, "worker-1")->begin(nullptr, wall_now()));
}

TEST_CASE("LiveCalls: a call does not begin after the lease has run out, until it is renewed") {
    LiveCalls calls;
    calls.own("worker-1", deadline_in(Millis{-1}));
    const auto call = add(calls, "worker-1");
    CHECK_FALSE(call->begin(nullptr, wall_now()));
    calls.own("worker-1", later());
    CHECK(call->begin(nullptr, wall_now()));
}

}  // namespace stoker::test
