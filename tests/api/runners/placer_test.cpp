#include "api/runners/placer.hpp"

#include <doctest/doctest.h>

#include <map>

namespace stoker::test {

namespace {

RunnerList three() {
    RunnerList runners;
    for (const auto* name : {"a:1", "b:1", "c:1"}) {
        runners.push_back(make_runner(name).value());
        runners.back()->memory_mb = 1024;
    }
    return runners;
}

}  // namespace

TEST_CASE("Placer: each is first in turn, and all are in every order") {
    const auto placer = make_two_choices_placer();
    const auto runners = three();
    std::map<std::string, int> first;
    for (int i = 0; i < 30; ++i) {
        const auto order = placer->order({}, runners);
        REQUIRE(order.size() == 3);
        CHECK(order[0] != order[1]);
        CHECK(order[1] != order[2]);
        CHECK(order[0] != order[2]);
        ++first[order[0]->name];
    }
    CHECK(first == std::map<std::string, int>{{"a:1", 10}, {"b:1", 10}, {"c:1", 10}});
}

TEST_CASE("Placer: of two the less busy one goes first, by its own word or by ours") {
    const auto placer = make_two_choices_placer();
    auto runners = three();
    SUBCASE("it said so") { runners[0]->busy_mb = 900; }
    SUBCASE("we have just sent it calls") { runners[0]->in_flight = 7; }
    for (int i = 0; i < 9; ++i) {
        CHECK(placer->order({}, runners)[0] != runners[0]);
    }
}

TEST_CASE("Placer: those that did not answer or are going are asked last") {
    const auto placer = make_two_choices_placer();
    const auto runners = three();
    SUBCASE("suspects") { runners[1]->suspect(Deadline::max()); }
    SUBCASE("drains") { runners[1]->draining = true; }
    for (int i = 0; i < 9; ++i) CHECK(placer->order({}, runners)[2] == runners[1]);
    runners[1]->trust();
    runners[1]->draining = false;
    bool is_first = false;
    for (int i = 0; i < 3; ++i) is_first |= placer->order({}, runners)[0] == runners[1];
    CHECK(is_first);
}

}  // namespace stoker::test
