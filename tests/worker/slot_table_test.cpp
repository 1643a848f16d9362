#include "worker/slot_table.hpp"

#include <doctest/doctest.h>

#include "tests/worker/bare_slot_table.hpp"

using namespace stoker;
using namespace stoker::test;

TEST_CASE("SlotTable: a hundred thousand slot keys in a row leave no memory behind") {
    Bare bare(100'000);
    for (int i = 0; i < 100'000; ++i) {
        const auto fn = make_fn("f" + std::to_string(i), {.memory_mb = 50});
        REQUIRE(bare.use_once(fn));
        bare.handovers.clear();
    }
    CHECK(bare.table.keys() == 2'000);  // those that still have an idle container
    CHECK(bare.memory.used_mb() == 100'000);
    bare.tick_after(std::chrono::seconds(30));
    bare.remove_all();
    CHECK(bare.table.keys() == 0);
    CHECK(bare.memory.used_mb() == 0);
}

TEST_CASE("SlotTable: ten thousand keys that only wait go without a trace, too") {
    Bare bare(128);
    const auto first = make_fn("first");
    bare.want(first);
    std::vector<SlotWaiterRef> waiters;
    for (int i = 0; i < 10'000; ++i) waiters.push_back(bare.want(make_fn(std::to_string(i))));
    CHECK(bare.table.waiting() == 10'001);
    CHECK(bare.launches.size() == 1);
    for (const auto& waiter : waiters) REQUIRE(bare.table.give_up(waiter, bare.now));
    bare.give_back(bare.come_up(first));
    CHECK(bare.table.waiting() == 0);
    CHECK(bare.table.keys() == 1);
}

TEST_CASE("SlotTable: memory and /tmp of a container both count") {
    Bare bare(200);
    auto fn = std::make_shared<FnSpec>(*make_fn("a"));
    fn->tmpfs_mb = 64;
    bare.want(fn);
    CHECK(bare.memory.used_mb() == 192);
}

TEST_CASE("SlotTable: a hot slot goes to who waits for memory, one slot to one of them") {
    Bare bare(128);
    const auto fn = make_fn("a");
    bare.want(fn);
    const auto container = bare.come_up(fn);
    const auto first = bare.want(fn);
    const auto second = bare.want(fn);
    bare.handovers.clear();
    bare.give_back(container);
    REQUIRE(bare.handovers.size() == 1);
    CHECK(bare.handovers[0].waiter == first);
    CHECK(second->queued);
}

TEST_CASE("SlotTable: no more is evicted than needed, and what has been idle longest") {
    Bare bare(1000);
    const auto oldest = bare.use_once(make_fn("a", {.memory_mb = 400, .idle_timeout_s = 300}));
    bare.tick_after(std::chrono::seconds(1));
    bare.use_once(make_fn("b", {.memory_mb = 200, .idle_timeout_s = 20}));
    bare.tick_after(std::chrono::seconds(1));
    bare.use_once(make_fn("c", {.memory_mb = 300}));
    bare.want(make_fn("d", {.memory_mb = 450}));
    REQUIRE(bare.removals.size() == 1);
    CHECK(bare.removals[0] == oldest);
    CHECK(bare.launches.empty());  // until it is gone
    bare.remove_all();
    CHECK(bare.launches.size() == 1);
}

TEST_CASE("SlotTable: where evicting would not be enough, nothing is evicted") {
    Bare bare(1000);
    const auto busy = make_fn("busy", {.memory_mb = 600});
    bare.want(busy);
    bare.come_up(busy);
    bare.use_once(make_fn("idle", {.memory_mb = 300}));
    bare.want(make_fn("giant", {.memory_mb = 900}));
    CHECK(bare.removals.empty());
    // One that fits beside the busy one gets the room of the idle one.
    bare.want(make_fn("small", {.memory_mb = 350}));
    CHECK(bare.removals.size() == 1);
}

TEST_CASE("SlotTable: max_concurrency bounds the containers in use, over all keys of a function") {
    Bare bare;
    const auto fn = make_fn("a", {.max_concurrency = 1});
    auto changed = std::make_shared<FnSpec>(*fn);
    changed->slot_key = "a, changed";
    bare.want(fn);
    const auto container = bare.come_up(fn);
    const auto second = bare.want(changed);
    const auto third = bare.want(fn);
    CHECK(bare.launches.empty());
    bare.handovers.clear();
    bare.give_back(container);
    // The one that waited longer goes first, although the slot is another key's.
    CHECK(bare.handovers.empty());
    REQUIRE(bare.launches.size() == 1);
    const auto other = bare.come_up(changed);
    REQUIRE(bare.handovers.size() == 1);
    CHECK(bare.handovers[0].waiter == second);
    bare.give_back(other);
    REQUIRE(bare.handovers.size() == 2);
    CHECK(bare.handovers[1].waiter == third);
    CHECK(*bare.handovers[1].answer == container);
    CHECK(bare.launches.empty());
}

TEST_CASE("SlotTable: what keeps a call from a container is named") {
    Bare bare(300);
    const auto limited = make_fn("limited", {.memory_mb = 200, .max_concurrency = 1});
    CHECK(bare.table.reason_of(limited->slot_key).empty());
    bare.want(limited);
    CHECK(bare.table.reason_of(limited->slot_key).empty());  // its container is coming
    const auto container = bare.come_up(limited);
    bare.want(limited);
    CHECK(bare.table.reason_of(limited->slot_key) == "the limit of its function: 1 of 1 run");
    const auto large = make_fn("large", {.memory_mb = 128});
    bare.want(large);
    CHECK(bare.table.reason_of(large->slot_key) == "memory: 128 MB needed, 100 MB free");
    bare.give_back(container);
    CHECK(bare.table.reason_of(limited->slot_key).empty());
}

TEST_CASE("SlotTable: nobody who comes later overtakes those who wait for max_concurrency") {
    Bare bare;
    const auto fn = make_fn("a", {.max_concurrency = 1});
    bare.want(fn);
    const auto container = bare.come_up(fn);
    bare.want(fn);
    CHECK_FALSE(bare.table.take_idle(fn));
    bare.give_back(container);
    CHECK_FALSE(bare.table.take_idle(fn));
}

TEST_CASE("SlotTable: a higher max_concurrency lets those who wait go on") {
    Bare bare;
    const auto fn = make_fn("a", {.max_concurrency = 1});
    bare.want(fn);
    bare.come_up(fn);
    bare.want(fn);
    bare.want(fn);
    CHECK(bare.launches.empty());
    bare.want(make_fn("a"));
    CHECK(bare.launches.size() >= 1);
}

TEST_CASE("SlotTable: CPU is a soft limit: it bounds further containers, never the first") {
    Bare bare(1024, {.milli_cpus = 2'000});
    const auto heavy = make_fn("heavy", {.milli_cpus = 1'500});
    const auto light = make_fn("light", {.milli_cpus = 1'000});
    bare.want(heavy);
    const auto container = bare.come_up(heavy);
    CHECK(bare.table.milli_cpus() == 1'500);
    bare.want(light);
    REQUIRE(bare.come_up(light));  // it has none yet
    CHECK(bare.table.milli_cpus() == 2'500);
    bare.want(heavy);
    bare.tick_after(std::chrono::seconds(2));
    CHECK(bare.launches.empty());  // it has one, and would use more than there is
    bare.want(heavy);
    bare.give_back(container);  // of those who wait, one goes on here
    CHECK(bare.table.milli_cpus() == 2'500);
    bare.give_back(container);
    bare.give_back(container);
    CHECK(bare.table.milli_cpus() == 1'000);  // idle ones use none
}

TEST_CASE("SlotTable: a launch error reaches one of those who wait, a hopeless one all") {
    Bare bare;
    const auto fn = make_fn("a");
    const auto first = bare.want(fn);
    bare.want(fn);
    auto fail_launch = [&](Errc code) {
        bare.launches.front().memory = {};
        auto* key = bare.launches.front().key;
        bare.launches.pop_front();
        bare.handovers.clear();
        bare.table.launched(key, {fail(code), bare.now, false}, bare.now);
        bare.keep();
    };
    fail_launch(Errc::init_failed);
    REQUIRE(bare.handovers.size() == 1);
    CHECK(bare.handovers[0].waiter == first);
    CHECK(bare.handovers[0].answer.error().code == Errc::init_failed);
    bare.want(fn);
    REQUIRE_FALSE(bare.launches.empty());
    fail_launch(Errc::image_not_found);
    CHECK(bare.handovers.size() == 2);
    CHECK(bare.table.waiting() == 0);
}

TEST_CASE("SlotTable: an error of an image ends the wait of its other functions, and no more") {
    Bare bare;
    auto with_image = [](const std::string& fn_id, const std::string& key, const char* image) {
        auto fn = std::make_shared<FnSpec>(*make_fn(fn_id, {.max_concurrency = 2}));
        fn->slot_key = key;
        fn->image = image;
        return fn;
    };
    const auto old = with_image("f", "old", "here");
    const auto fresh = with_image("f", "fresh", "gone");
    const auto idle = bare.use_once(old);
    bare.want(fresh);
    bare.come_up(fresh);  // and stays in use
    bare.want(with_image("p", "puller", "gone"));
    bare.want(with_image("q", "failing", "gone"));
    bare.table.pull_began(bare.launches.front().key, bare.now);
    bare.want(fresh);
    bare.tick_after(std::chrono::seconds(1));  // wants another, which stands behind the pull
    bare.handovers.clear();
    auto* failing = bare.launches.back().key;
    bare.launches.back().memory = {};
    bare.launches.pop_back();
    bare.table.launched(failing, {fail(Errc::image_has_volume), bare.now, false}, bare.now);
    bare.keep();
    CHECK(bare.handovers.size() == 2);
    CHECK(bare.table.waiting() == 1);
    CHECK(bare.table.take_idle(old) == idle);  // nobody of its function is in line before it
}

TEST_CASE("SlotTable: keys that stand behind a pull hide no other from its launch") {
    Bare bare(1024 * 1024, {.start_max = 1});
    auto with_image = [](const std::string& name, const char* image) {
        auto fn = std::make_shared<FnSpec>(*make_fn(name));
        fn->image = image;
        return fn;
    };
    for (int i = 0; i < 200; ++i) bare.want(with_image("a" + std::to_string(i), "absent"));
    bare.want(with_image("b", "here"));
    REQUIRE(bare.launches.size() == 1);
    bare.table.pull_began(bare.launches.front().key, bare.now);
    bare.keep();
    REQUIRE(bare.launches.size() == 2);
    CHECK(bare.launches.back().fn->image == "here");
}

TEST_CASE("SlotTable: who waits for a pull or a function that does not come up is known") {
    Bare bare;
    auto fn = std::make_shared<FnSpec>(*make_fn("a"));
    fn->image = "absent";
    bare.want(fn);
    bare.want(fn);
    CHECK(bare.table.waiting_held_up() == 0);
    CHECK_FALSE(bare.table.use_bound("a"));
    auto* key = bare.launches.front().key;
    bare.table.pull_began(key, bare.now);
    bare.want(fn);
    CHECK(bare.table.waiting_held_up() == 3);
    CHECK(bare.table.use_bound("a") == 0);
    bare.table.pull_ended(key, bare.now);
    bare.keep();

    SUBCASE("until it is up") {
        bare.come_up(fn);
        CHECK(bare.table.waiting_held_up() == 0);
        CHECK_FALSE(bare.table.use_bound("a"));
    }
    SUBCASE("until the next one is up") {
        bare.launches.front().memory = {};
        bare.launches.pop_front();
        bare.table.launched(key, {fail(Errc::init_timeout), bare.now, false}, bare.now);
        bare.keep();
        CHECK(bare.table.waiting_held_up() == 2);
        CHECK(bare.table.use_bound("a") == 0);
        bare.come_up(fn);
        CHECK(bare.table.waiting_held_up() == 0);
    }
    SUBCASE("until nobody waits any more") {
        while (!bare.launches.empty()) {
            bare.launches.pop_front();
            bare.table.launched(key, {fail(Errc::pull_failed), bare.now, false}, bare.now);
        }
        CHECK(bare.table.waiting_held_up() == 0);
        CHECK(bare.table.keys() == 0);
        CHECK_FALSE(bare.table.use_bound("a"));
    }
}

TEST_CASE("SlotTable: a container that came up for somebody who left is offered, then idles out") {
    Bare bare;
    const auto fn = make_fn("a");
    const auto waiter = bare.want(fn);
    REQUIRE(bare.table.give_up(waiter, bare.now));
    const auto container = bare.come_up(fn);
    CHECK(bare.table.idle() == 1);
    bare.tick_after(std::chrono::seconds(29));
    CHECK(bare.removals.empty());
    bare.tick_after(std::chrono::seconds(1));
    CHECK(bare.removals.size() == 1);
}

TEST_CASE("SlotTable: what serves one call alone is never idle") {
    Bare bare;
    auto fn = std::make_shared<FnSpec>(*make_fn("cold"));
    fn->format = FnFormat::cold;
    bare.table.give_up(bare.want(fn), bare.now);
    bare.come_up(fn);
    CHECK(bare.table.idle() == 0);
    CHECK(bare.removals.size() == 1);
}

TEST_CASE("SlotTable: min_idle containers come up unasked and outlive their idle timeout") {
    Bare bare;
    const auto fn = make_fn("warm", {.min_idle = 2});
    bare.table.keep_warm(fn, bare.now);
    bare.keep();
    CHECK(bare.launches.size() == 2);
    const auto first = bare.come_up(fn);
    bare.come_up(fn);
    CHECK(bare.table.idle() == 2);
    bare.tick_after(std::chrono::seconds(120));
    CHECK(bare.table.idle() == 2);
    CHECK(bare.removals.empty());

    SUBCASE("one that dies is replaced, not at once but soon") {
        bare.table.exited(first, bare.now);
        bare.keep();
        CHECK(bare.launches.empty());
        bare.tick_after(std::chrono::seconds(1));
        CHECK(bare.launches.size() == 1);
    }
    SUBCASE("one that is dead when it comes up is replaced soon, not at once") {
        bare.table.exited(first, bare.now);
        bare.tick_after(std::chrono::seconds(1));
        REQUIRE(bare.launches.size() == 1);
        auto dead = std::make_shared<Container>(
            "dead", fn, bare.nowhere.get_executor(), std::move(bare.launches.front().memory)
        );
        auto* key = bare.launches.front().key;
        bare.launches.clear();
        dead->exited.set(ExitStatus{});
        bare.table.launched(key, {dead, bare.now, false}, bare.now);
        bare.keep();
        CHECK(bare.launches.empty());
        bare.tick_after(std::chrono::seconds(2));
        CHECK(bare.launches.size() == 1);
    }
    SUBCASE("a real waiter may have their memory, but others' goes first") {
        bare.use_once(make_fn("other", {.memory_mb = 500}));
        bare.want(make_fn("more", {.memory_mb = 700}));
        REQUIRE(bare.removals.size() == 1);
        CHECK(bare.removals[0]->fn->slot_key == "other");
        bare.want(make_fn("yet more", {.memory_mb = 300}));
        CHECK(bare.removals.size() == 3);
        bare.remove_all();
        CHECK(bare.launches.size() == 2);
        CHECK(bare.table.idle() == 0);
    }
    SUBCASE("without min_idle they idle out") {
        bare.table.forget_warm("warm", bare.now);
        CHECK(bare.table.warm_fns().empty());
        // A call that was under way knows nothing of that, but whoever asks sees it.
        bare.want(make_fn("warm", {.min_idle = 2}));
        bare.give_back(*bare.handovers.back().answer);
        CHECK(bare.table.warm_fns() == std::vector<std::string>{"warm"});
        bare.table.forget_warm("warm", bare.now);
        bare.tick_after(std::chrono::seconds(30));
        CHECK(bare.table.idle() == 0);
        bare.remove_all();
        CHECK(bare.table.keys() == 0);
    }
}

TEST_CASE("SlotTable: what is kept warm takes no memory that somebody waits for") {
    Bare bare(300);
    const auto warm = make_fn("warm", {.memory_mb = 50, .min_idle = 2});
    const auto busy = make_fn("busy", {.memory_mb = 200});
    bare.want(busy);
    const auto container = bare.come_up(busy);
    bare.want(make_fn("other", {.memory_mb = 150}));
    bare.table.keep_warm(warm, bare.now);
    bare.keep();
    CHECK(bare.launches.empty());
}

TEST_CASE("SlotTable: on a full machine a key makes way for one that has nothing") {
    Bare bare(256);
    const auto hog = make_fn("hog");
    bare.want(hog);
    bare.want(hog);
    const auto one = bare.come_up(hog);
    const auto two = bare.come_up(hog);
    for (int i = 0; i < 50; ++i) bare.want(hog);
    bare.want(make_fn("other"));
    bare.give_back(one);
    CHECK(bare.removals.empty());  // not yet: it may free up by itself
    bare.tick_after(std::chrono::seconds(1));
    bare.give_back(two);
    CHECK(bare.removals.size() == 1);  // although its own callers wait
    bare.give_back(one);
    CHECK(bare.removals.size() == 1);  // and no more than needed
    bare.remove_all();
    REQUIRE(bare.launches.size() == 1);
    CHECK(bare.launches.front().fn->slot_key == "other");
}
