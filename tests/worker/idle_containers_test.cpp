#include "worker/idle_containers.hpp"

#include <doctest/doctest.h>

using namespace stoker;
using namespace std::chrono_literals;

namespace {

const IdleContainers::Time start{};

ContainerRef make_container(std::int32_t idle_timeout_s = 30) {
    auto fn = std::make_shared<FnSpec>();
    fn->idle_timeout_s = idle_timeout_s;
    static asio::io_context lane;
    static MemoryTokens memory(1'000'000'000);
    return std::make_shared<Container>(
        "c", std::move(fn), lane.get_executor(), *memory.try_take(10)
    );
}

}  // namespace

TEST_CASE("IdleContainers: one is to be frozen when it has been idle long enough") {
    IdleContainers idle(50ms);
    const auto container = make_container();
    CHECK(idle.next_due(true) == IdleContainers::Time::max());
    idle.add(container, start);
    CHECK(idle.next_due(true) == start + 50ms);
    CHECK(idle.next_due(false) == start + 30s);
    CHECK_FALSE(idle.take_freezable(start + 49ms));
    CHECK(idle.take_freezable(start + 50ms) == container);
    CHECK(container->rest == Rest::freezing);
    CHECK(idle.frozen() == 0);
    CHECK_FALSE(idle.take_freezable(start + 1min));  // once is enough
    CHECK(idle.next_due(true) == start + 30s);
    idle.froze(container, true);
    CHECK(container->rest == Rest::frozen);
    CHECK(idle.frozen() == 1);
    idle.remove(container);
    CHECK(idle.frozen() == 0);
    CHECK(idle.size() == 0);
    CHECK(idle.mb() == 0);
}

TEST_CASE("IdleContainers: the time starts anew with every call") {
    IdleContainers idle(50ms);
    const auto container = make_container();
    idle.add(container, start);
    idle.remove(container);
    idle.add(container, start + 40ms);
    CHECK_FALSE(idle.take_freezable(start + 60ms));
    CHECK(idle.take_freezable(start + 90ms) == container);
}

TEST_CASE("IdleContainers: a freeze that ends after its container was taken counts nothing") {
    IdleContainers idle(50ms);
    const auto container = make_container();
    idle.add(container, start);
    REQUIRE(idle.take_freezable(start + 1s));
    idle.remove(container);
    idle.froze(container, true);
    CHECK(container->rest == Rest::frozen);  // and has to be thawed by who took it
    CHECK(idle.frozen() == 0);
}

TEST_CASE("IdleContainers: a freeze that failed leaves it awake") {
    IdleContainers idle(50ms);
    const auto container = make_container();
    idle.add(container, start);
    REQUIRE(idle.take_freezable(start + 1s));
    idle.froze(container, false);
    CHECK(container->rest == Rest::awake);
    CHECK(idle.frozen() == 0);
}

TEST_CASE("IdleContainers: without a freeze time none is ever frozen") {
    IdleContainers idle(0ms);
    idle.add(make_container(), start);
    CHECK_FALSE(idle.take_freezable(start + 1h));
    CHECK(idle.next_due(true) == start + 30s);
}

TEST_CASE("IdleContainers: each expires by its own timeout, frozen or not") {
    IdleContainers idle(50ms);
    const auto slow = make_container(60);
    const auto quick = make_container(5);
    idle.add(slow, start);
    idle.add(quick, start + 1s);
    CHECK(idle.oldest_first().front() == slow);
    CHECK(idle.mb() == 20);
    REQUIRE(idle.take_freezable(start + 2s) == slow);
    REQUIRE(idle.take_freezable(start + 2s) == quick);
    idle.froze(quick, true);
    CHECK_FALSE(idle.expired(start + 6s - 1ms));
    CHECK(idle.next_due(true) == start + 6s);
    CHECK(idle.expired(start + 6s) == quick);
    idle.remove(quick);
    CHECK_FALSE(idle.expired(start + 59s));
    CHECK(idle.expired(start + 60s) == slow);
}

TEST_CASE("IdleContainers: ten thousand of them are frozen in the order in which they became idle"
) {
    IdleContainers idle(50ms);
    std::vector<ContainerRef> all;
    for (int i = 0; i < 10'000; ++i) {
        all.push_back(make_container());
        idle.add(all.back(), start + i * 1us);
    }
    for (const auto& container : all) {
        const auto taken = idle.take_freezable(start + 1s);
        REQUIRE(taken == container);
        idle.froze(taken, true);
    }
    CHECK(idle.frozen() == 10'000);
    for (const auto& container : all) idle.remove(container);
    CHECK(idle.frozen() == 0);
}
