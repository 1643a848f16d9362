// How the slot pool treats idle containers: frozen, thawed for the next call, removed in time. The
// containers are only objects; what freezing and thawing does is the test's to say.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <doctest/doctest.h>

#include <atomic>
#include <future>

#include "worker/slot_pool.hpp"

using namespace stoker;
using namespace std::chrono_literals;

namespace {

FnSpecRef make_fn(const std::string& key, int idle_s = 3600) {
    auto fn = std::make_shared<FnSpec>();
    fn->slot_key = key;
    fn->idle_timeout_s = idle_s;
    return fn;
}

struct IdleFixture {
    explicit IdleFixture(Millis freeze_after = 1ms) {
        pool.emplace(
            lanes,
            memory,
            LaunchPolicy{},
            SlotPool::Hooks{
                .launch = [this](
                              FnSpecRef fn, MemoryTokens::Token token, LaunchReport
                          ) { return launch(std::move(fn), std::move(token)); },
                .remove = [this](ContainerRef container) { return remove(std::move(container)); },
                .kill = [](ContainerRef) -> Task<> { co_return; },
                .freeze = [this](ContainerRef container) { return freeze(std::move(container)); },
                .thaw = [this](ContainerRef container) { return thaw(std::move(container)); },
                .changed = [] {}
            },
            freeze_after
        );
        lanes.start();
        pool->start();
    }
    ~IdleFixture() {
        freeze_gate.set(true);
        pool->close();
        CHECK(run(pool->drained(deadline_in(20s))));
        CHECK(memory.used_mb() == 0);
        CHECK(used_frozen == 0);
        lanes.stop();
    }

    Task<Result<ContainerRef>> launch(FnSpecRef fn, MemoryTokens::Token token) {
        co_return std::make_shared<Container>(
            std::to_string(++launches),
            std::move(fn),
            co_await asio::this_coro::executor,
            std::move(token)
        );
    }
    Task<> remove(ContainerRef) {
        removed_while_freezing += freezing;
        ++removed;
        co_return;
    }
    Task<bool> freeze(ContainerRef) {
        ++freezes;
        ++freezing;
        freeze_begun.set(true);
        co_await freeze_gate.wait(deadline_in(20s));
        --freezing;
        co_return freeze_works;
    }
    Task<bool> thaw(ContainerRef) {
        ++thaws;
        co_return thaw_works;
    }

    /// Acquires, looks that it runs, gives back. The name of the container.
    static Task<std::string> use_once(IdleFixture& test, FnSpecRef fn) {
        auto slot = co_await test.pool->acquire(std::move(fn), deadline_in(20s));
        if (!slot) co_return "none";
        test.used_frozen += slot->container().rest != Rest::awake;
        auto name = slot->container().name;
        std::move(*slot).release();
        co_return name;
    }
    std::string use(const FnSpecRef& fn) { return run(use_once(*this, fn)); }

    template <class T>
    T run(Task<T> task) {
        return start(std::move(task)).get();
    }
    template <class T>
    std::future<T> start(Task<T> task) {
        return asio::co_spawn(lanes.next(), std::move(task), asio::use_future);
    }
    /// Until it is so, in steps that let the lanes run; a minute at most.
    template <class Condition>
    bool eventually(Condition condition) {
        for (const auto end = deadline_in(60s); !condition();) {
            if (has_passed(end)) return false;
            std::this_thread::sleep_for(1ms);
        }
        return true;
    }

    Lanes lanes{2};
    MemoryTokens memory{1280};
    Latch<bool> freeze_begun;
    Latch<bool> freeze_gate;
    std::atomic<int> launches{0};
    std::atomic<int> removed{0};
    std::atomic<int> freezes{0};
    std::atomic<int> freezing{0};
    std::atomic<int> thaws{0};
    std::atomic<int> used_frozen{0};
    std::atomic<int> removed_while_freezing{0};
    std::atomic<bool> freeze_works{true};
    std::atomic<bool> thaw_works{true};
    std::optional<SlotPool> pool;
};

}  // namespace

TEST_CASE_FIXTURE(
    IdleFixture, "SlotPool: an idle container is frozen, and thawed for the next call"
) {
    freeze_gate.set(true);
    const auto fn = make_fn("a");
    for (int i = 1; i <= 3; ++i) {
        CHECK(use(fn) == "1");
        CHECK(eventually([&] { return pool->counts().frozen == 1; }));
        CHECK(pool->counts().idle == 0);
        CHECK(freezes == i);
        CHECK(thaws == i - 1);
    }
    CHECK(pool->busy_mb() == 0);
    CHECK(removed == 0);
}

TEST_CASE_FIXTURE(
    IdleFixture, "SlotPool: a call that comes while its container freezes waits for that"
) {
    const auto fn = make_fn("a");
    CHECK(use(fn) == "1");
    CHECK(run(freeze_begun.wait(deadline_in(20s))));
    auto call = start(use_once(*this, fn));
    CHECK(eventually([&] { return pool->counts().busy == 1; }));
    CHECK(thaws == 0);
    freeze_gate.set(true);
    CHECK(call.get() == "1");
    CHECK(thaws == 1);
}

TEST_CASE_FIXTURE(
    IdleFixture, "SlotPool: a container that does not thaw is removed and another serves"
) {
    freeze_gate.set(true);
    const auto fn = make_fn("a");
    CHECK(use(fn) == "1");
    CHECK(eventually([&] { return pool->counts().frozen == 1; }));
    thaw_works = false;
    CHECK(use(fn) == "2");
    CHECK(eventually([&] { return removed == 1; }));
}

TEST_CASE_FIXTURE(IdleFixture, "SlotPool: a container that does not freeze is removed") {
    freeze_works = false;
    freeze_gate.set(true);
    const auto fn = make_fn("a");
    CHECK(use(fn) == "1");
    CHECK(eventually([&] { return removed == 1; }));
    CHECK(eventually([&] { return memory.used_mb() == 0; }));
    CHECK(use(fn) == "2");
}

TEST_CASE_FIXTURE(IdleFixture, "SlotPool: a frozen container makes room for another function") {
    freeze_gate.set(true);
    for (int i = 0; i < 10; ++i) use(make_fn(std::to_string(i)));  // all of the memory
    CHECK(eventually([&] { return pool->counts().frozen == 10; }));
    CHECK(use(make_fn("new")) == "11");
    CHECK(eventually([&] { return removed == 1; }));
    CHECK(thaws == 0);
}

TEST_CASE_FIXTURE(IdleFixture, "SlotPool: a frozen container goes when its idle timeout is over") {
    freeze_gate.set(true);
    use(make_fn("a", 1));
    CHECK(eventually([&] { return pool->counts().frozen == 1; }));
    CHECK(eventually([&] { return removed == 1; }));
    CHECK(pool->counts().frozen == 0);
}

TEST_CASE_FIXTURE(IdleFixture, "SlotPool: a removal waits for the freeze that is under way") {
    use(make_fn("a"));
    CHECK(run(freeze_begun.wait(deadline_in(20s))));
    pool->close();
    CHECK(removed == 0);
    freeze_gate.set(true);
    CHECK(eventually([&] { return removed == 1; }));
    CHECK(removed_while_freezing == 0);
}

TEST_CASE("SlotPool: a container in steady use is not frozen") {
    IdleFixture test(3600s);
    test.freeze_gate.set(true);
    const auto fn = make_fn("a");
    for (int i = 0; i < 200; ++i) CHECK(test.use(fn) == "1");
    CHECK(test.freezes == 0);
    CHECK(test.thaws == 0);
}

TEST_CASE_FIXTURE(IdleFixture, "SlotPool: calls of many threads never meet a frozen container") {
    freeze_gate.set(true);
    std::vector<std::future<std::string>> calls;
    for (int i = 0; i < 2'000; ++i) {
        calls.push_back(start(use_once(*this, make_fn(std::to_string(i % 5)))));
        if (i % 10 == 0) calls.back().wait();
    }
    for (auto& call : calls) CHECK(call.get() != "none");
    CHECK(eventually([&] {
        return pool->counts().frozen + static_cast<std::size_t>(removed) ==
               static_cast<std::size_t>(launches);
    }));
}
