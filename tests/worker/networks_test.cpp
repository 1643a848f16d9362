#include "worker/networks.hpp"

#include <doctest/doctest.h>

using namespace stoker;

TEST_CASE("Networks: each container joins the one that the fewest are in") {
    Networks networks({"a", "b", "c"});
    auto first = networks.join();
    auto second = networks.join();
    auto third = networks.join();
    CHECK(first.name() == "a");
    CHECK(second.name() == "b");
    CHECK(third.name() == "c");
    second = {};
    CHECK(second.name().empty());
    CHECK(networks.join().name() == "b");  // left again at once
    const auto fourth = networks.join();
    const auto fifth = networks.join();
    CHECK(fourth.name() == "b");
    CHECK(fifth.name() == "a");
}

TEST_CASE("Networks: a place goes with the lease that is moved") {
    Networks networks({"a", "b"});
    auto lease = networks.join();
    const auto kept = std::move(lease);
    CHECK(kept.name() == "a");
    CHECK(networks.join().name() == "b");
    auto other = networks.join();
    CHECK(other.name() == "b");
    other = networks.join();  // joins before it leaves
    CHECK(other.name() == "a");
}

TEST_CASE("Networks: without any, it is the engine's to say") {
    Networks networks({});
    CHECK(networks.join().name().empty());
}
