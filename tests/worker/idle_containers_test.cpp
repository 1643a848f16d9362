#include "worker/idle_containers.hpp"

#include <doctest/doctest.h>

using namespace stoker;
using namespace std::chrono_literals;

namespace {

const IdleContainers::Time start{};
IdleContainers::List elsewhere;  // where containers stand that are not idle

ContainerRef make_container(std::int32_t idle_timeout_s = 30) {
    auto fn = std::make_shared<FnSpec>();
    fn->idle_timeout_s = idle_timeout_s;
    static asio::io_context lane;
    static MemoryTokens memory(1'000'000'000);
    auto container =
        std::make_shared<Container>("c", std::move(fn), lane.get_executor(), *memory.try_take(10));
    container->place = elsewhere.insert(elsewhere.end(), container);
    return container;
}

}  // namespace

TEST_CASE("IdleContainers: one is to be frozen when it has been idle long enough") {
    IdleContainers idle(50ms);
    const auto container = make_container();
    CHECK(idle.next_due(true) == IdleContainers::Time::max());
    idle.add(container, elsewhere, start);
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
    idle.remove(container, elsewhere);
    CHECK(idle.frozen() == 0);
    CHECK(idle.size() == 0);
    CHECK(idle.mb() == 0);
}

TEST_CASE("IdleContainers: the time starts anew with every call") {
    IdleContainers idle(50ms);
    const auto container = make_container();
    idle.add(container, elsewhere, start);
    idle.remove(container, elsewhere);
    idle.add(container, elsewhere, start + 40ms);
    CHECK_FALSE(idle.take_freezable(start + 60ms));
    CHECK(idle.take_freezable(start + 90ms) == container);
}

TEST_CASE("IdleContainers: a freeze that ends after its container was taken counts nothing") {
    IdleContainers idle(50ms);
    const auto container = make_container();
    idle.add(container, elsewhere, start);
    REQUIRE(idle.take_freezable(start + 1s));
    idle.remove(container, elsewhere);
    idle.froze(container, true);
    CHECK(container->rest == Rest::frozen);  // and has to be thawed by who took it
    CHECK(idle.frozen() == 0);
}

TEST_CASE("IdleContainers: a freeze that failed leaves it awake") {
    IdleContainers idle(50ms);
    const auto container = make_container();
    idle.add(container, elsewhere, start);
    REQUIRE(idle.take_freezable(start + 1s));
    idle.froze(container, false);
    CHECK(container->rest == Rest::awake);
    CHECK(idle.frozen() == 0);
}

TEST_CASE("IdleContainers: without a freeze time none is ever frozen") {
    IdleContainers idle(0ms);
    idle.add(make_container(), elsewhere, start);
    CHECK_FALSE(idle.take_freezable(start + 1h));
    CHECK(idle.next_due(true) == start + 30s);
}

TEST_CASE("IdleContainers: each expires by its own timeout, frozen or not") {
    IdleContainers idle(50ms);
    const auto slow = make_container(60);
    const auto quick = make_container(5);
    idle.add(slow, elsewhere, start);
    idle.add(quick, elsewhere, start + 1s);
    idle.oldest_first([&](const ContainerRef& oldest) {
        CHECK(oldest == slow);
        return false;
    });
    CHECK(idle.mb() == 20);
    REQUIRE(idle.take_freezable(start + 2s) == slow);
    REQUIRE(idle.take_freezable(start + 2s) == quick);
    idle.froze(quick, true);
    CHECK_FALSE(idle.expired(start + 6s - 1ms));
    CHECK(idle.next_due(true) == start + 6s);
    CHECK(idle.expired(start + 6s) == quick);
    idle.remove(quick, elsewhere);
    CHECK_FALSE(idle.expired(start + 59s));
    CHECK(idle.expired(start + 60s) == slow);
}

TEST_CASE("IdleContainers: ten thousand of them are frozen in the order in which they became idle"
) {
    IdleContainers idle(50ms);
    std::vector<ContainerRef> all;
    for (int i = 0; i < 10'000; ++i) {
        all.push_back(make_container());
        idle.add(all.back(), elsewhere, start + i * 1us);
    }
    for (const auto& container : all) {
        const auto taken = idle.take_freezable(start + 1s);
        REQUIRE(taken == container);
        idle.froze(taken, true);
    }
    CHECK(idle.frozen() == 10'000);
    for (const auto& container : all) idle.remove(container, elsewhere);
    CHECK(idle.frozen() == 0);
}

TEST_CASE("IdleContainers: after an outage of the engine all are awake and may be frozen again") {
    IdleContainers idle(50ms);
    const auto one = make_container();
    const auto other = make_container();
    idle.add(one, elsewhere, start);
    idle.add(other, elsewhere, start);
    REQUIRE(idle.take_freezable(start + 1s) == one);
    idle.froze(one, true);
    idle.all_awake();
    CHECK(idle.frozen() == 0);
    CHECK(one->rest == Rest::awake);
    CHECK(idle.take_freezable(start + 1s) == one);
    CHECK(idle.take_freezable(start + 1s) == other);
}

TEST_CASE("IdleContainers: one that stays on past its timeout is not frozen again") {
    IdleContainers idle(50ms);
    const auto kept = make_container();
    const auto other = make_container();
    idle.add(kept, elsewhere, start);
    REQUIRE(idle.take_freezable(start + 1s) == kept);
    idle.froze(kept, true);
    idle.add(other, elsewhere, start + 30s);
    idle.remove(kept, elsewhere);
    idle.add(kept, elsewhere, start + 30s);
    CHECK(idle.frozen() == 1);
    CHECK(idle.take_freezable(start + 31s) == other);
    CHECK_FALSE(idle.take_freezable(start + 31s));
}
