#include "worker/launch_backoff.hpp"

#include <doctest/doctest.h>

using namespace stoker;
using namespace std::chrono_literals;

namespace {

constexpr LaunchBackoff::Time start{std::chrono::hours(1)};

/// One container after the other, each of which dies as soon as it may be started.
LaunchBackoff::Time die(LaunchBackoff& backoff, int times, LaunchBackoff::Time now) {
    for (int i = 0; i < times; ++i) {
        now = std::max(now, backoff.next_launch());
        backoff.launched(now);
        backoff.died_young(now + 1ms, now + 2ms);
        now += 2ms;
    }
    return now;
}

}  // namespace

TEST_CASE("LaunchBackoff: the first deaths cost nothing, then the pauses double up to a bound") {
    LaunchBackoff backoff;
    CHECK_FALSE(backoff.has_deaths());
    auto now = die(backoff, 2, start);
    CHECK(backoff.next_launch() <= now);
    CHECK(backoff.has_deaths());
    CHECK_FALSE(backoff.is_on());
    now = die(backoff, 1, now);
    CHECK(backoff.next_launch() == now + 500ms);
    now = die(backoff, 1, now);
    CHECK(backoff.next_launch() == now + 1s);
    now = die(backoff, 100, now);
    CHECK(backoff.next_launch() == now + 30s);
    CHECK(backoff.forgiven_at() > backoff.next_launch());
}

TEST_CASE("LaunchBackoff: those that were up together and die together count as one") {
    LaunchBackoff backoff;
    for (int i = 0; i < 50; ++i) backoff.died_young(start, start + 1s + i * 1ms);
    CHECK_FALSE(backoff.is_on());
}

TEST_CASE("LaunchBackoff: while they keep dying, one is started in each pause") {
    LaunchBackoff backoff;
    auto now = die(backoff, 5, start);
    now = backoff.next_launch();
    backoff.launched(now);
    CHECK(backoff.next_launch() == now + 2s);
}

TEST_CASE("LaunchBackoff: one that has proven itself makes up for all") {
    LaunchBackoff backoff;
    die(backoff, 10, start);
    CHECK_FALSE(LaunchBackoff::is_proven(0, 9s));
    CHECK(LaunchBackoff::is_proven(1, 0s));
    CHECK(LaunchBackoff::is_proven(0, 10s));
    backoff.forgive();
    CHECK_FALSE(backoff.has_deaths());
    CHECK(backoff.next_launch() <= start);
}
