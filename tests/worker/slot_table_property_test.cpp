// Random schedules over the slot table, each from one seed that a failure names: run it alone with
// STOKER_SLOT_SEED. What must hold after every event is in slot_world.cpp.

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>

#include "tests/worker/slot_world.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

constexpr std::int64_t total_mb = 1024;

FnSpecRef random_fn(SlotWorld& world, std::size_t fn, std::size_t revision = 0) {
    auto& random = world.random();
    static constexpr std::array<std::uint64_t, 8> sizes{16, 64, 100, 128, 256, 400, 700, 1000};
    auto spec = std::make_shared<FnSpec>();
    spec->fn_id = "f" + std::to_string(fn);
    spec->slot_key = spec->fn_id + "." + std::to_string(revision);
    spec->image = "i" + std::to_string(random() % 4);
    spec->memory_mb = sizes.at(random() % sizes.size());
    spec->tmpfs_mb = random() % 4 == 0 ? 24 : 0;
    spec->milli_cpus = random() % 3 == 0 ? 700 : 0;
    spec->idle_timeout_s = 1 + static_cast<std::int32_t>(random() % 20);
    if (random() % 3 == 0) spec->max_concurrency = 1 + static_cast<std::int32_t>(random() % 4);
    return spec;
}

SlotWorldOptions random_options(std::uint64_t seed) {
    std::mt19937_64 random(seed * 7919 + 1);
    SlotWorldOptions options;
    options.seed = seed;
    options.total_mb = total_mb;
    options.policy.start_max = 1 + random() % 6;
    options.policy.milli_cpus = 2'000;
    static constexpr std::array<double, 3> rates{0, 0.05, 0.3};
    options.launch_fails = rates.at(random() % 3);
    options.container_dies = rates.at(random() % 3);
    options.caller_gives_up = rates.at(random() % 3);
    options.run_max = Millis(random() % 2 == 0 ? 20 : 3'000);
    options.image_absent = rates.at(random() % 3);
    options.freeze_after = Millis(random() % 2 == 0 ? 50 : 0);
    options.freeze_fails = rates.at(random() % 3);
    return options;
}

/// Bursts and single calls of a few functions over some seconds.
void plan_calls(SlotWorld& world, const std::vector<FnSpecRef>& fns) {
    auto& random = world.random();
    for (auto burst = 1 + random() % 25; burst > 0; --burst) {
        const auto fn = fns.at(random() % fns.size());
        const auto calls = random() % 4 == 0 ? random() % 60 : 1;
        const auto at = world.up_to(Millis{15'000});
        for (std::size_t i = 0; i < calls; ++i) {
            world.at(at + world.up_to(Millis{5}), [&world, fn] { world.call(fn); });
        }
    }
}

std::vector<FnSpecRef> random_fns(SlotWorld& world, std::size_t count) {
    std::vector<FnSpecRef> fns;
    for (std::size_t i = 0; i < count; ++i) {
        fns.push_back(random_fn(world, i));
        if (world.chance(0.15)) {
            // A change of its settings while calls of the old ones are under way.
            auto other = std::make_shared<FnSpec>(*random_fn(world, i, 1));
            other->max_concurrency = fns.back()->max_concurrency;
            fns.push_back(other);
        }
        if (world.chance(0.1)) {
            auto cold = std::make_shared<FnSpec>(*fns.back());
            cold->format = FnFormat::cold;
            fns.back() = cold;
        }
    }
    return fns;
}

std::uint64_t first_seed() {
    const auto* given = std::getenv("STOKER_SLOT_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 10) : 0;
}

void for_seeds(std::uint64_t count, const std::function<void(std::uint64_t)>& run) {
    if (first_seed() != 0) {
        run(first_seed());
        return;
    }
    const auto base = std::uint64_t{std::random_device{}()} << 20U;
    MESSAGE("seeds from ", base);
    for (auto seed = base; seed < base + count; ++seed) run(seed);
}

}  // namespace

TEST_CASE("SlotTable: random schedules break no promise, and everybody is served or told why") {
    for_seeds(4'000, [](std::uint64_t seed) {
        CAPTURE(seed);
        SlotWorld world(random_options(seed));
        plan_calls(world, random_fns(world, 1 + seed % 9));
        world.run_to_the_end();
        const auto& counts = world.counts();
        REQUIRE(world.waiting() == 0);
        REQUIRE(counts.calls == counts.ran + counts.failed + counts.gave_up);
        REQUIRE(world.memory().used_mb() == 0);
        REQUIRE(world.table().keys() == 0);
        REQUIRE(world.table().milli_cpus() == 0);
    });
}

TEST_CASE("SlotTable: closed at a random moment, it answers everybody and everything goes") {
    for_seeds(2'000, [](std::uint64_t seed) {
        CAPTURE(seed);
        SlotWorld world(random_options(seed));
        plan_calls(world, random_fns(world, 1 + seed % 9));
        world.at(world.up_to(Millis{15'000}), [&world] { world.close(); });
        world.run_to_the_end();
        REQUIRE(world.waiting() == 0);
        REQUIRE(world.table().is_all_back());
        REQUIRE(world.memory().used_mb() == 0);
    });
}

TEST_CASE("SlotTable: kept warm under random schedules, min_idle is there again at the end") {
    for_seeds(1'000, [](std::uint64_t seed) {
        CAPTURE(seed);
        auto options = random_options(seed);
        options.launch_fails = 0;
        options.container_dies = 0.05;
        SlotWorld world(options);
        auto fns = random_fns(world, 1 + seed % 5);
        auto warm = std::make_shared<FnSpec>(*fns.front());
        warm->format = FnFormat::http_stream;
        warm->fn_id = warm->slot_key = "warm";
        warm->memory_mb = 64;
        warm->max_concurrency = 0;
        warm->min_idle = 1 + static_cast<std::int32_t>(seed % 3);
        fns.push_back(warm);
        world.at(Millis{0}, [&world, warm] {
            world.event([&](SlotTable& table, SlotTable::Time now) { table.keep_warm(warm, now); });
        });
        plan_calls(world, fns);
        world.run_until(Millis{3'600'000});
        REQUIRE(world.waiting() == 0);
        REQUIRE(world.table().idle() == static_cast<std::size_t>(warm->min_idle));
        world.event([](SlotTable& table, SlotTable::Time now) { table.forget_warm("warm", now); });
        world.run_until(Millis{4'000'000});
        REQUIRE(world.table().keys() == 0);
        REQUIRE(world.memory().used_mb() == 0);
    });
}

namespace {

constexpr Millis ends{200'000};

/// Functions whose callers call again as soon as they are answered, more of them than fit. Returns
/// the longest wait, and what nobody should have waited longer than.
std::pair<Millis, Millis> overload(std::uint64_t seed, Millis fair_after) {
    SlotWorldOptions options;
    options.seed = seed;
    options.total_mb = total_mb;
    options.policy.start_max = 4;
    options.policy.fair_after = fair_after;
    SlotWorld world(options);
    const auto keys = 3 + seed % 6;
    constexpr std::size_t callers_max = 4;
    const auto again = std::make_shared<std::function<void(FnSpecRef)>>();
    *again = [&world, weak = std::weak_ptr(again)](const FnSpecRef& fn) {
        const auto next = weak.lock();
        if (world.now() < ends) world.call(fn, [next, fn] { (*next)(fn); });
    };
    std::size_t callers_most = 0;
    for (std::size_t i = 0; i < keys; ++i) {
        auto fn = std::make_shared<FnSpec>(*random_fn(world, i));
        fn->max_concurrency = 0;
        fn->milli_cpus = 0;
        const auto callers = 1 + world.random()() % callers_max;
        callers_most = std::max<std::size_t>(callers_most, callers);
        for (std::size_t j = 0; j < callers; ++j) {
            world.at(world.up_to(Millis{3'000}), [again, fn] { (*again)(fn); });
        }
    }
    world.run_to_the_end();
    REQUIRE(world.waiting() == 0);
    // Each turn of another key costs the time until it must make way, its last call, a removal and
    // a start; a key may lose its container after each of its calls.
    const auto turn = Millis{1'000} + options.run_max + options.remove_max + options.launch_max;
    const auto bound = turn * static_cast<int>(keys * callers_most);
    return {world.counts().longest_wait, bound};
}

}  // namespace

TEST_CASE("SlotTable: on a full machine whose callers never pause, nobody waits for ever") {
    double worst = 0;
    for_seeds(40, [&](std::uint64_t seed) {
        CAPTURE(seed);
        const auto [longest, bound] = overload(seed, Millis{1'000});
        CAPTURE(longest.count());
        REQUIRE(longest < bound);
        worst = std::max(worst, double(longest.count()) / double(bound.count()));
    });
    MESSAGE("longest wait against the bound: ", worst);
}

TEST_CASE("SlotTable: without fair turns the same load starves somebody, so the bound can fail") {
    std::size_t starved = 0;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const auto [longest, bound] = overload(seed, Millis{100'000'000});
        if (longest >= bound) ++starved;
    }
    CHECK(starved > 0);
}

namespace {

/// Callers of a function each call of which is the end of its container, who call again as soon as
/// they are answered, beside callers of good ones.
const SlotWorld::Counts& beside_a_bad_one(SlotWorld& world, Millis slot_wait, Millis ends_at) {
    const auto again = std::make_shared<std::function<void(FnSpecRef)>>();
    *again = [&world, weak = std::weak_ptr(again), slot_wait, ends_at](const FnSpecRef& fn) {
        const auto next = weak.lock();
        if (world.now() >= ends_at) return;
        const bool is_bad = fn->fn_id == "bad";
        const auto until = SlotWorld::Time{} + world.now() + slot_wait;
        world.call(
            fn,
            [&world, next, fn] {
                world.at(world.now() + world.up_to(Millis{50}), [next, fn] { (*next)(fn); });
            },
            is_bad && slot_wait > Millis{0} ? until : SlotWorld::Time::max()
        );
    };
    const auto bad = std::make_shared<FnSpec>();
    bad->fn_id = bad->slot_key = "bad";
    bad->memory_mb = 64;
    for (auto callers = 1 + world.random()() % 8; callers > 0; --callers) {
        world.at(world.up_to(Millis{1'000}), [again, bad] { (*again)(bad); });
    }
    for (std::size_t i = 0; i < 3; ++i) {
        const auto fn = std::make_shared<FnSpec>(*bad);
        fn->fn_id = fn->slot_key = "good" + std::to_string(i);
        world.at(world.up_to(Millis{1'000}), [again, fn] { (*again)(fn); });
    }
    world.run_to_the_end();
    return world.counts();
}

SlotWorldOptions options_with_a_bad_one(std::uint64_t seed) {
    SlotWorldOptions options;
    options.seed = seed;
    options.policy.start_max = 1 + seed % 3;
    options.bad_fn = "bad";
    options.run_max = Millis{100};
    return options;
}

}  // namespace

TEST_CASE("SlotTable: a function that is the end of its containers gets few, others are not hurt") {
    for_seeds(50, [](std::uint64_t seed) {
        CAPTURE(seed);
        SlotWorld world(options_with_a_bad_one(seed));
        const auto& counts = beside_a_bad_one(world, Millis{0}, Millis{600'000});
        REQUIRE(world.waiting() == 0);
        REQUIRE(counts.calls == counts.ran);
        REQUIRE(world.table().keys() == 0);
        // In ten minutes; what it gets when nobody calls any more is for those who wait.
        REQUIRE(counts.bad_launches < 50);
        // One start after the other, at worst.
        REQUIRE(counts.longest_good_wait < 5 * world.longest_start());
    });
}

TEST_CASE("SlotTable: a caller who cannot have a container in time hears so before") {
    std::size_t told = 0;
    for_seeds(50, [&](std::uint64_t seed) {
        CAPTURE(seed);
        SlotWorld world(options_with_a_bad_one(seed));
        const auto& counts = beside_a_bad_one(world, Millis{20'000}, Millis{120'000});
        REQUIRE(world.waiting() == 0);
        REQUIRE(counts.calls == counts.ran + counts.gave_up + counts.told_of_crash_loop);
        told += counts.told_of_crash_loop;
    });
    CHECK(told > 0);
}
