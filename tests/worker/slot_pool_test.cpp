#include "worker/slot_pool.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <random>
#include <thread>

using namespace stoker;
using namespace std::chrono_literals;

namespace {

FnSpecRef make_fn(const std::string& key, std::uint64_t memory_mb = 128, int idle_s = 30) {
    auto fn = std::make_shared<FnSpec>();
    fn->slot_key = key;
    fn->image = key;
    fn->memory_mb = memory_mb;
    fn->idle_timeout_s = idle_s;
    return fn;
}

/// A pool on two lanes whose containers are only objects; launches wait until they are let go.
struct Fixture {
    explicit Fixture(std::int64_t total_mb = 1024) : memory(total_mb) {
        pool.emplace(
            lanes,
            memory,
            LaunchPolicy{},
            SlotPool::Hooks{
                .launch = [this](
                              FnSpecRef fn, MemoryTokens::Token token, LaunchReport report
                          ) { return launch(std::move(fn), std::move(token), std::move(report)); },
                .remove = [this](ContainerRef container) { return remove(std::move(container)); },
                .kill = [](ContainerRef container) -> Task<> {
                    container->exited.set({137});
                    co_return;
                },
                .changed = [] {}
            }
        );
        lanes.start();
        pool->start();
    }
    ~Fixture() {
        pool->close();
        CHECK(run(pool->drained(deadline_in(10s))));
        CHECK(memory.used_mb() == 0);
        lanes.stop();
    }

    Task<Result<ContainerRef>> launch(
        FnSpecRef fn, MemoryTokens::Token token, LaunchReport report
    ) {
        const auto now = ++starting;
        most_starting = std::max(most_starting.load(), now);
        ++launches;
        if (pulls) {
            report.phase(CallPhase::pulling);
            co_await image.wait(deadline_in(20s));
            if (!launch_error) report.phase(CallPhase::starting);
        }
        co_await gate.wait(deadline_in(20s));
        --starting;
        if (launch_error) co_return fail(*launch_error);
        auto container = std::make_shared<Container>(
            "c", std::move(fn), co_await asio::this_coro::executor, std::move(token)
        );
        co_return container;
    }

    Task<> remove(ContainerRef) {
        ++removed;
        co_return;
    }

    template <class T>
    T run(Task<T> task) {
        return start(std::move(task)).get();
    }
    template <class T>
    std::future<T> start(Task<T> task) {
        return asio::co_spawn(lanes.next(), std::move(task), asio::use_future);
    }

    void open_gate() { gate.set(true); }

    Lanes lanes{2};
    MemoryTokens memory;
    Latch<bool> gate;
    std::atomic<bool> pulls{false};  ///< launches find their image absent until it is set
    Latch<bool> image;
    std::atomic<int> starting{0};
    std::atomic<int> most_starting{0};
    std::atomic<int> launches{0};
    std::atomic<int> removed{0};
    std::optional<Error> launch_error;
    std::optional<SlotPool> pool;
};

/// Acquires, holds for nothing, gives back.
Task<Result<void>> use_once(SlotPool& pool, FnSpecRef fn, Millis patience = 20s) {
    auto slot = co_await pool.acquire(std::move(fn), deadline_in(patience));
    if (!slot) co_return fail(slot.error());
    std::move(*slot).release();
    co_return Result<void>{};
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "SlotPool: calls one after another share one container") {
    open_gate();
    const auto fn = make_fn("a");
    for (int i = 0; i < 10; ++i) CHECK(run(use_once(*pool, fn)));
    CHECK(launches == 1);
    CHECK(pool->counts().idle == 1);
    CHECK(pool->busy_mb() == 0);
    CHECK(memory.used_mb() == 128);
}

TEST_CASE_FIXTURE(Fixture, "SlotPool: other slot keys never share") {
    open_gate();
    CHECK(run(use_once(*pool, make_fn("a"))));
    CHECK(run(use_once(*pool, make_fn("b"))));
    CHECK(launches == 2);
}

TEST_CASE_FIXTURE(
    Fixture, "SlotPool: a burst on a cold function starts no more than wait, nor than the limit"
) {
    const auto fn = make_fn("a", 1);
    std::vector<std::future<Result<void>>> calls;
    for (int i = 0; i < 3; ++i) calls.push_back(start(use_once(*pool, fn)));
    for (int i = 0; i < 200; ++i) calls.push_back(start(use_once(*pool, fn)));
    open_gate();
    for (auto& call : calls) CHECK(call.get());
    CHECK(most_starting <= 4);
    CHECK(launches < 100);  // of 203 that wait; how many exactly, the machine's speed decides
}

TEST_CASE_FIXTURE(Fixture, "SlotPool: a slot dropped without release retires its container") {
    open_gate();
    const auto fn = make_fn("a");
    const auto drop = [](SlotPool& slots, FnSpecRef which) -> Task<bool> {
        auto slot = co_await slots.acquire(std::move(which), deadline_in(20s));
        co_return slot.has_value();
    };
    CHECK(run(drop(*pool, fn)));
    CHECK(run(use_once(*pool, fn)));
    CHECK(launches == 2);
}

TEST_CASE_FIXTURE(
    Fixture, "SlotPool: who gives up in time gets server_busy, and the container is not lost"
) {
    const auto fn = make_fn("a");
    const auto result = run(use_once(*pool, fn, 10ms));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::server_busy);
    open_gate();
    CHECK(run(use_once(*pool, fn)));
}

TEST_CASE_FIXTURE(Fixture, "SlotPool: what can never fit is refused at once") {
    const auto result = run(use_once(*pool, make_fn("a", 4096)));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::impossible_memory);
}

TEST_CASE_FIXTURE(Fixture, "SlotPool: a launch error reaches who waits for it") {
    launch_error = Error{Errc::init_failed, {}, {}};
    open_gate();
    const auto result = run(use_once(*pool, make_fn("a")));
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::init_failed);
    CHECK(memory.used_mb() == 0);
}

TEST_CASE_FIXTURE(Fixture, "SlotPool: a hopeless launch error reaches everybody who waits") {
    launch_error = Error{Errc::image_not_found, {}, {}};
    const auto fn = make_fn("a", 1);
    std::vector<std::future<Result<void>>> calls;
    for (int i = 0; i < 50; ++i) calls.push_back(start(use_once(*pool, fn)));
    open_gate();
    for (auto& call : calls) CHECK(call.get().error().code == Errc::image_not_found);
    CHECK(launches < 50);
}

TEST_CASE_FIXTURE(Fixture, "SlotPool: a cold container is never idle, with or without its caller") {
    auto cold = std::make_shared<FnSpec>(*make_fn("a"));
    cold->format = FnFormat::cold;
    const auto late = run(use_once(*pool, cold, 20ms));
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Errc::server_busy);
    open_gate();
    CHECK(run(use_once(*pool, cold)));
    CHECK(pool->counts().idle == 0);
}

TEST_CASE_FIXTURE(
    Fixture, "SlotPool: one launch waits for an image, holds no other up, and then all come"
) {
    pulls = true;
    const auto fn = make_fn("a", 1);
    std::vector<std::future<Result<void>>> calls;
    calls.push_back(start(use_once(*pool, fn)));
    while (pool->phase_of("a") != CallPhase::pulling) std::this_thread::yield();
    for (int i = 1; i < 50; ++i) calls.push_back(start(use_once(*pool, fn)));
    // Far more images than may start at once.
    for (int i = 0; i < 20; ++i) {
        const auto key = std::to_string(i);
        calls.push_back(start(use_once(*pool, make_fn(key, 1))));
        while (pool->phase_of(key) != CallPhase::pulling) std::this_thread::yield();
    }
    CHECK(launches == 21);
    CHECK(memory.used_mb() == 21);
    pulls = false;
    open_gate();
    CHECK(run(use_once(*pool, make_fn("present", 1))));
    image.set(true);
    for (auto& call : calls) CHECK(call.get());
}

TEST_CASE_FIXTURE(
    Fixture, "SlotPool: a pull that fails is told to all who wait for the image, and not repeated"
) {
    pulls = true;
    launch_error = Error{Errc::pull_failed, {}, {}};
    open_gate();
    const auto fn = make_fn("a", 1);
    auto other = std::make_shared<FnSpec>(*make_fn("b", 1));
    other->image = fn->image;
    std::vector<std::future<Result<void>>> calls;
    calls.push_back(start(use_once(*pool, fn)));
    while (pool->phase_of("a") != CallPhase::pulling) std::this_thread::yield();
    for (int i = 1; i < 50; ++i) calls.push_back(start(use_once(*pool, i % 2 == 0 ? fn : other)));
    while (pool->counts().waiting < 50) std::this_thread::yield();
    image.set(true);
    for (auto& call : calls) CHECK(call.get().error().code == Errc::pull_failed);
    CHECK(launches == 1);
    CHECK(memory.used_mb() == 0);
}

TEST_CASE_FIXTURE(Fixture, "SlotPool: an idle container of another function makes room") {
    open_gate();
    CHECK(run(use_once(*pool, make_fn("a", 600))));
    CHECK(run(use_once(*pool, make_fn("b", 400))));
    CHECK(removed == 0);
    CHECK(run(use_once(*pool, make_fn("c", 500))));
    CHECK(removed == 1);  // "a" alone was enough, and idle longest
}

TEST_CASE_FIXTURE(
    Fixture, "SlotPool: who waits behind a giant that gave up, or fits beside it, goes on"
) {
    open_gate();
    const auto hold = [](SlotPool& slots, FnSpecRef fn, Latch<bool>& until) -> Task<bool> {
        auto slot = co_await slots.acquire(std::move(fn), deadline_in(20s));
        co_await until.wait(deadline_in(20s));
        std::move(*slot).release();
        co_return true;
    };
    Latch<bool> enough;
    auto busy = start(hold(*pool, make_fn("busy", 500), enough));
    while (pool->counts().busy == 0) std::this_thread::yield();
    auto giant = start(use_once(*pool, make_fn("giant", 900), 200ms));
    while (pool->counts().waiting == 0) std::this_thread::yield();
    CHECK(run(use_once(*pool, make_fn("small", 100))));
    CHECK(giant.get().error().code == Errc::server_busy);
    CHECK(run(use_once(*pool, make_fn("after", 100))));
    enough.set(true);
    CHECK(busy.get());
}

TEST_CASE_FIXTURE(Fixture, "SlotPool: a container whose process ended is replaced") {
    open_gate();
    const auto fn = make_fn("a");
    ContainerRef container;
    const auto look = [&](SlotPool& slots) -> Task<bool> {
        auto slot = co_await slots.acquire(fn, deadline_in(20s));
        container = slot->ref();
        std::move(*slot).release();
        co_return true;
    };
    CHECK(run(look(*pool)));
    container->exited.set({1});
    pool->container_exited(container);
    CHECK(run(use_once(*pool, fn)));
    CHECK(launches == 2);
    container.reset();
}

TEST_CASE_FIXTURE(Fixture, "SlotPool: closing answers those who wait") {
    auto waiting = start(use_once(*pool, make_fn("a")));
    while (pool->counts().waiting == 0) std::this_thread::yield();
    pool->close();
    CHECK(waiting.get().error().code == Errc::shutting_down);
    CHECK(run(use_once(*pool, make_fn("a"))).error().code == Errc::shutting_down);
    open_gate();
}

TEST_CASE_FIXTURE(Fixture, "SlotPool: what was starting when it closed is removed, too") {
    auto waiting = start(use_once(*pool, make_fn("starting")));
    while (launches == 0) std::this_thread::yield();
    pool->close();
    auto drained = start(pool->drained(deadline_in(10s)));
    CHECK(waiting.get().error().code == Errc::shutting_down);
    open_gate();
    CHECK(drained.get());
    CHECK(removed == 1);
}

TEST_CASE_FIXTURE(
    Fixture, "SlotPool: random functions, sizes and accidents leak no memory and starve nobody"
) {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    open_gate();
    std::mt19937 random(seed);
    const auto one = [](SlotPool& slots, FnSpecRef fn, bool break_it) -> Task<Result<void>> {
        auto slot = co_await slots.acquire(std::move(fn), deadline_in(60s));
        if (!slot) co_return fail(slot.error());
        if (!break_it) std::move(*slot).release();
        co_return Result<void>{};
    };
    std::vector<std::future<Result<void>>> calls;
    for (int i = 0; i < 2000; ++i) {
        const auto which = random() % 40;
        const auto fn = make_fn("f" + std::to_string(which), 50 + 20 * which);
        calls.push_back(start(one(*pool, fn, random() % 10 == 0)));
    }
    for (auto& call : calls) CHECK(call.get());
    CHECK(memory.used_mb() <= memory.total_mb());
    CHECK(pool->counts().waiting == 0);
    CHECK(pool->counts().busy == 0);
}

TEST_CASE_FIXTURE(
    Fixture, "SlotPool: callers on every lane at once, with accidents, share fairly"
) {
    // For the thread sanitizer as much as for the counts.
    open_gate();
    std::atomic<int> done{0};
    const auto loop = [&done](SlotPool& slots, FnSpecRef fn, std::uint32_t seed) -> Task<bool> {
        std::mt19937 random(seed);
        for (int i = 0; i < 150; ++i) {
            auto slot = co_await slots.acquire(fn, deadline_in(60s));
            if (!slot) co_return false;
            if (random() % 8 == 0) slot->container().exited.set({1});
            if (random() % 8 != 0) std::move(*slot).release();
            ++done;
        }
        co_return true;
    };
    std::vector<std::future<bool>> loops;
    for (std::uint32_t i = 0; i < 24; ++i) {
        auto fn =
            std::make_shared<FnSpec>(*make_fn("f" + std::to_string(i % 6), 100 + 50 * (i % 6)));
        fn->max_concurrency = i % 6 == 0 ? 1 : 0;
        fn->fn_id = fn->slot_key;
        loops.push_back(start(loop(*pool, std::move(fn), i)));
    }
    for (auto& each : loops) CHECK(each.get());
    CHECK(done == 24 * 150);
    CHECK(pool->counts().waiting == 0);
}

TEST_CASE_FIXTURE(Fixture, "SlotPool: who waits for max_concurrency gets server_busy in time") {
    open_gate();
    auto fn = std::make_shared<FnSpec>(*make_fn("a"));
    fn->max_concurrency = 1;
    const auto hold = [](SlotPool& slots, FnSpecRef which, Latch<bool>& until) -> Task<bool> {
        auto slot = co_await slots.acquire(std::move(which), deadline_in(20s));
        co_await until.wait(deadline_in(20s));
        std::move(*slot).release();
        co_return true;
    };
    Latch<bool> enough;
    auto busy = start(hold(*pool, fn, enough));
    while (pool->counts().busy == 0) std::this_thread::yield();
    CHECK(pool->use_bound(fn->fn_id) == 1);
    CHECK(run(use_once(*pool, fn, 10ms)).error().code == Errc::server_busy);
    CHECK(launches == 1);
    auto waits = start(use_once(*pool, fn));
    enough.set(true);
    CHECK(busy.get());
    CHECK(waits.get());
}

TEST_CASE("SlotPool: more CPU than there is can never be had") {
    Lanes lanes{1};
    MemoryTokens memory(1024);
    const SlotPool pool(lanes, memory, {.milli_cpus = 2'000}, {});
    CHECK(pool.can_ever_fit(1024, 2'000));
    CHECK_FALSE(pool.can_ever_fit(128, 2'001));
    CHECK_FALSE(pool.can_ever_fit(1025, 0));
}
