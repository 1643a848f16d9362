// What the deaths of containers mean for the launches of their key.

#include <doctest/doctest.h>

#include "tests/worker/bare_slot_table.hpp"
#include "worker/slot_table.hpp"

using namespace stoker;
using namespace stoker::test;

TEST_CASE("SlotTable: containers that die young are started with pauses, of that key alone") {
    Bare bare;
    const auto fn = make_fn("a");
    for (int i = 0; i < 3; ++i) {
        bare.want(fn);
        bare.now += std::chrono::milliseconds(10);
        const auto container = bare.come_up(fn);
        REQUIRE(container);
        bare.now += std::chrono::milliseconds(10);
        bare.give_back(container, false);
        bare.remove_all();
    }
    const auto waiter = bare.want(fn);
    CHECK(bare.launches.empty());
    CHECK(bare.table.launch_pause("a") == std::chrono::milliseconds(500));
    CHECK(bare.table.waiting_held_up() == 1);
    CHECK(bare.table.use_bound("a") == 0);

    SUBCASE("in its time it gets the next") {
        CHECK(bare.table.next_tick() <= bare.now + std::chrono::milliseconds(500));
        bare.tick_after(std::chrono::milliseconds(500));
        REQUIRE(bare.come_up(fn));
        CHECK(bare.handovers.back().waiter == waiter);
        CHECK(bare.table.waiting_held_up() == 0);
    }
    SUBCASE("one that serves well makes up for them") {
        bare.tick_after(std::chrono::milliseconds(500));
        const auto good = bare.come_up(fn);
        for (int i = 0; i < 5; ++i) {
            bare.give_back(good);
            bare.want(fn);
        }
        CHECK(bare.table.launch_pause("a") == Millis{0});
    }
    SUBCASE("other keys and other revisions are not touched") {
        auto revised = std::make_shared<FnSpec>(*fn);
        revised->slot_key = "a, revised";
        bare.want(revised);
        bare.want(make_fn("b"));
        CHECK(bare.launches.size() == 2);
    }
    SUBCASE("nothing is held against it for ever, and its key goes") {
        CHECK(bare.table.give_up(waiter, bare.now));
        CHECK(bare.table.keys() == 1);
        bare.tick_after(std::chrono::seconds(60));
        CHECK(bare.table.keys() == 0);
    }
    SUBCASE("who cannot wait for it hears so at once") {
        const auto hasty =
            std::make_shared<SlotWaiter>(fn, false, bare.now + std::chrono::milliseconds(100));
        bare.handovers.clear();
        bare.table.want(hasty, bare.now);
        bare.keep();
        REQUIRE(bare.handovers.size() == 1);
        CHECK(bare.handovers[0].waiter == hasty);
        CHECK(bare.handovers[0].answer.error().code == Errc::server_busy);
        CHECK(bare.handovers[0].answer.error().text().contains("keep ending"));
    }
}

TEST_CASE("SlotTable: one that we killed, or that served one call as it should, has not died young"
) {
    Bare bare;
    auto fn = std::make_shared<FnSpec>(*make_fn("a"));
    bool killed = true;
    SUBCASE("killed") {}
    SUBCASE("cold") {
        fn->format = FnFormat::cold;
        killed = false;
    }
    for (int i = 0; i < 6; ++i) {
        bare.want(fn);
        bare.now += std::chrono::milliseconds(10);
        const auto container = bare.come_up(fn);
        REQUIRE(container);
        container->killed = killed;
        bare.give_back(container, false);
        bare.remove_all();
    }
}

TEST_CASE("SlotTable: those that do not come up have died young, too, and leave what they were") {
    Bare bare;
    const auto fn = make_fn("a");
    for (int i = 0; i < 3; ++i) {
        const auto waiter = bare.want(fn);
        REQUIRE(bare.launches.size() == 1);
        auto launch = std::move(bare.launches.front());
        bare.launches.clear();
        auto left = std::make_shared<Container>(
            "c", fn, bare.nowhere.get_executor(), std::move(launch.memory)
        );
        bare.now += std::chrono::milliseconds(10);
        bare.table.launched(launch.key, {fail(Errc::init_failed), bare.now, false, left}, bare.now);
        bare.keep();
        CHECK_FALSE(waiter->queued);  // told before it is removed
        CHECK(bare.memory.used_mb() == 128);
        bare.remove_all();
        CHECK(bare.memory.used_mb() == 0);
    }
    bare.want(fn);
    CHECK(bare.launches.empty());
    CHECK(bare.table.launch_pause("a") > Millis{0});
}
