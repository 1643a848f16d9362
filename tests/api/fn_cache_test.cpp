#include "api/fn_cache.hpp"

#include <doctest/doctest.h>

#include "common/async/lanes.hpp"
#include "common/async/spawn.hpp"
#include "tests/api/api_fixture.hpp"

namespace stoker::test {

namespace {

class CacheFixture {
public:
    explicit CacheFixture(FnCacheLimits limits = {}) :
        real_store(open_test_store(folder, clock, metrics)),
        store(*real_store),
        cache(store, limits) {
        App app;
        app.id = "app";
        app.name = "app";
        REQUIRE(run(store.insert_app(app)));
    }
    void add_fn(const std::string& id) {
        Fn fn;
        fn.id = id;
        fn.app_id = "app";
        fn.name = id;
        fn.image = "img";
        REQUIRE(run(store.insert_fn(fn)));
    }

    TempDir folder;
    SystemClock clock;
    Metrics metrics;
    std::unique_ptr<Datastore> real_store;
    FaultyStore store;
    FnCache cache;
};

}  // namespace

TEST_CASE("FnCache: reads once, until it is dropped") {
    CacheFixture at;
    at.add_fn("a");
    const auto first = run(at.cache.get("a"));
    REQUIRE(first);
    CHECK((*first)->spec->app_name == "app");
    CHECK(*run(at.cache.get("a")) == *first);
    CHECK(at.store.fn_reads == 1);
    at.cache.drop_fn("a");
    CHECK(run(at.cache.get("a")));
    at.cache.drop_app("other");
    CHECK(run(at.cache.get("a")));
    CHECK(at.store.fn_reads == 2);
    at.cache.drop_app("app");
    CHECK(run(at.cache.get("a")));
    CHECK(at.store.fn_reads == 3);
}

TEST_CASE("FnCache: entries go stale and errors are not kept") {
    CacheFixture at({.ttl = Millis{0}});
    CHECK(run(at.cache.get("a")).error().code == Errc::fn_not_found);
    at.add_fn("a");
    CHECK(run(at.cache.get("a")));
    CHECK(run(at.cache.get("a")));
    CHECK(at.store.fn_reads == 3);
}

TEST_CASE("FnCache: the least recently used goes first") {
    CacheFixture at({.entries_max = 2});
    for (const auto* id : {"a", "b", "c"}) at.add_fn(id);
    for (const auto* id : {"a", "b", "a", "c"}) CHECK(run(at.cache.get(id)));
    CHECK(at.store.fn_reads == 3);
    CHECK(run(at.cache.get("a")));
    CHECK(at.store.fn_reads == 3);
    CHECK(run(at.cache.get("b")));
    CHECK(at.store.fn_reads == 4);
}

namespace {

Task<> get_into(FnCache& cache, std::atomic<int>& found) {
    if (co_await cache.get("a")) ++found;
}

}  // namespace

TEST_CASE("FnCache: one read serves all who wait for it, on any lane") {
    CacheFixture at;
    at.add_fn("a");
    at.store.slow_reads = true;
    std::atomic<int> found{0};
    Lanes lanes(2);
    Gate gate;
    for (std::size_t i = 0; i < 100; ++i) {
        spawn(gate, lanes.at(i % 2), "get", get_into(at.cache, found));
    }
    lanes.start();
    CHECK(run(gate.close(deadline_in(Millis{10'000}))));
    lanes.stop();
    CHECK(found == 100);
    CHECK(at.store.fn_reads == 1);
}

TEST_CASE("FnCache: a load that throws is not waited for for ever") {
    CacheFixture at;
    at.add_fn("a");
    at.store.throw_in_get_app = true;
    CHECK_THROWS(run(at.cache.get("a")));
    at.store.throw_in_get_app = false;
    CHECK(run(at.cache.get("a")));
}

TEST_CASE("FnCache: a read that a change overtook is not kept") {
    CacheFixture at;
    at.add_fn("a");
    at.store.slow_reads = true;
    const auto overtaken = [&]() -> Task<> {
        Gate gate;
        std::atomic<int> found{0};
        spawn(gate, co_await asio::this_coro::executor, "get", get_into(at.cache, found));
        while (at.store.fn_reads == 0) co_await sleep_for(Millis{0});
        at.cache.drop_fn("a");
        CHECK(co_await gate.close(deadline_in(Millis{10'000})));
        CHECK(found == 1);
    };
    run(overtaken());
    CHECK(run(at.cache.get("a")));
    CHECK(at.store.fn_reads == 2);
}

}  // namespace stoker::test
