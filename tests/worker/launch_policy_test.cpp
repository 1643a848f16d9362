#include "worker/launch_policy.hpp"

#include <doctest/doctest.h>

using namespace stoker;
using Time = Demand::Time;

namespace {

const Time now = Time{} + std::chrono::hours(1);
const LaunchPolicy policy{.start_max = 4, .cores = 2, .expected_start_s = 0.3};

bool is_due(const Demand& demand) {
    const auto due = launch_due(demand, policy);
    return due && *due <= now;
}

/// Containers running or starting at once if launches follow the policy and nothing else changes.
std::size_t containers_for(Demand demand) {
    while (is_due(demand)) ++demand.starting;
    return demand.alive + demand.starting;
}

Demand demand_of(std::size_t waiting, std::size_t alive, double mean_run_s) {
    Demand demand;
    demand.waiting = waiting;
    demand.alive = alive;
    demand.mean_run_s = mean_run_s;
    demand.waiting_since = demand.latest_end = now;
    return demand;
}

}  // namespace

TEST_CASE("launch_due: the first caller of a function starts a container at once") {
    CHECK(is_due(Demand{.waiting = 1}));
    CHECK_FALSE(launch_due(Demand{.waiting = 0}, policy));
}

TEST_CASE("launch_due: never more starting than waiting") {
    CHECK_FALSE(launch_due(Demand{.waiting = 3, .starting = 3}, policy));
    CHECK(containers_for(Demand{.waiting = 5}) <= 5);
}

TEST_CASE("launch_due: hundreds of short calls start a handful, as many long calls one each") {
    CHECK(containers_for(demand_of(500, 1, 0.002)) <= 5);
    CHECK(containers_for(demand_of(50, 1, 10.0)) == 51);
}

TEST_CASE("launch_due: a call that runs longer than any before it counts as long as it has run") {
    auto demand = demand_of(1, 1, 0.001);
    CHECK_FALSE(is_due(demand));
    demand.waiting_since = demand.latest_end = now - std::chrono::milliseconds(301);
    CHECK(is_due(demand));
}

TEST_CASE("launch_due: a moment without an end is no sign of long calls") {
    auto demand = demand_of(1024, 4, 0.0002);
    demand.waiting_since = demand.latest_end = now - std::chrono::milliseconds(149);
    CHECK_FALSE(is_due(demand));
    demand.waiting_since = demand.latest_end = now - std::chrono::milliseconds(151);
    CHECK(is_due(demand));
    demand.waiting_since = demand.latest_launch = now - std::chrono::milliseconds(29);
    CHECK_FALSE(is_due(demand));  // one was started for it
    demand.waiting_since = demand.latest_launch = now - std::chrono::milliseconds(31);
    CHECK(is_due(demand));
}

TEST_CASE("launch_due: calls that look slow for a moment start nothing, if they may be short") {
    auto demand = demand_of(1024, 4, 0.005);  // 1.3 s for all of them
    REQUIRE(is_behind(demand));
    CHECK_FALSE(is_due(demand));
    demand.behind_since = now - std::chrono::milliseconds(149);
    CHECK_FALSE(is_due(demand));
    demand.behind_since = now - std::chrono::milliseconds(151);
    CHECK(is_due(demand));
}

TEST_CASE("launch_due: a steady load of short calls grows to twice the cores and no further") {
    auto demand = demand_of(30, 1, 0.0001);
    demand.waiting_since = now - std::chrono::seconds(1);
    CHECK(is_due(demand));
    demand.alive = 4;
    CHECK_FALSE(is_due(demand));
}
