#include "queue/embedded/queue_state.hpp"

#include <doctest/doctest.h>
#include <malloc.h>

#include <cstring>
#include <random>
#include <set>

#include "model/id.hpp"

using namespace stoker;
using namespace std::chrono_literals;

namespace {

IdBits id_number(std::uint64_t number) {
    IdBits id{};
    id[0] = 1;
    std::memcpy(id.data() + 8, &number, sizeof number);
    return id;
}

/// A state whose time is moved by hand.
struct Bench {
    QueueState state;
    MonoTime now = MonoTime{} + 1000s;
    WallTime wall = from_ms(1'500'000'000'000);

    explicit Bench(const QueueOptions& options = {}) : state(options) {}

    Put put(std::uint64_t number, const std::string& fn = "F", std::uint8_t priority = 0) {
        const auto id = id_number(number);
        return state.put({encode_id(id), fn, priority}, id, wall);
    }
    /// The numbers of what is delivered, with credit for all of it.
    std::vector<QueueState::Reserved> take(std::size_t count) {
        state.set_credit(static_cast<std::uint32_t>(count));
        return state.reserve(count, now);
    }
    std::vector<std::uint64_t> numbers(std::size_t count) {
        std::vector<std::uint64_t> result;
        for (const auto& one : take(count)) result.push_back(number_of(one));
        return result;
    }
    static std::uint64_t number_of(const QueueState::Reserved& one) {
        std::uint64_t number = 0;
        std::memcpy(&number, one.id.data() + 8, sizeof number);
        return number;
    }
};

using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("QueueState: a function's messages come in the order they were put") {
    Bench bench;
    for (std::uint64_t i = 1; i <= 5; ++i) CHECK(bench.put(i) == Put::queued);
    CHECK(bench.numbers(10) == Numbers{1, 2, 3, 4, 5});
}

TEST_CASE("QueueState: functions take turns, however much one of them has") {
    Bench bench;
    for (std::uint64_t i = 1; i <= 6; ++i) bench.put(i, "flood");
    bench.put(100, "small");
    bench.put(101, "small");
    bench.put(200, "tiny");
    CHECK(bench.numbers(9) == Numbers{1, 100, 200, 2, 101, 3, 4, 5, 6});
}

TEST_CASE("QueueState: the higher priority comes first, also within a function") {
    Bench bench;
    bench.put(1, "F", 0);
    bench.put(2, "G", 1);
    bench.put(3, "F", 2);
    bench.put(4, "F", 1);
    bench.put(5, "F", 9);  // as 2
    const auto order = bench.numbers(10);
    CHECK(order == Numbers{3, 5, 2, 4, 1});
}

TEST_CASE("QueueState: an id is a duplicate while it waits, is leased or is parked") {
    Bench bench;
    CHECK(bench.put(1) == Put::queued);
    CHECK(bench.put(1) == Put::duplicate);
    auto held = bench.take(1);
    CHECK(bench.put(1) == Put::duplicate);
    bench.state.release(held[0].token, 5s, bench.now);
    CHECK(bench.put(1) == Put::duplicate);
    bench.now += 5s;
    bench.state.expire(bench.now);
    held = bench.take(1);
    REQUIRE(held.size() == 1);
    bench.state.ack(held[0].token);
    CHECK(bench.state.messages() == 0);
    CHECK(bench.put(1) == Put::queued);
}

TEST_CASE("QueueState: beyond the depth a put is refused, and a duplicate is still one") {
    Bench bench({.max_depth = 2});
    CHECK(bench.put(1) == Put::queued);
    CHECK(bench.put(2) == Put::queued);
    CHECK(bench.put(3) == Put::full);
    CHECK(bench.put(2) == Put::duplicate);
    const auto held = bench.take(1);
    CHECK(bench.put(3) == Put::full);
    bench.state.ack(held[0].token);
    CHECK(bench.put(3) == Put::queued);
    CHECK(bench.put(4) == Put::full);
}

TEST_CASE("QueueState: credit is used up by reserving and replaced by setting it") {
    Bench bench;
    for (std::uint64_t i = 1; i <= 5; ++i) bench.put(i);
    bench.state.set_credit(2);
    bench.state.set_credit(3);
    CHECK(bench.state.reserve(2, bench.now).size() == 2);
    CHECK(bench.state.reserve(2, bench.now).size() == 1);
    CHECK(bench.state.reserve(2, bench.now).empty());
    bench.state.set_credit(5);
    bench.state.set_credit(0);
    CHECK_FALSE(bench.state.can_reserve());
    CHECK(bench.state.reserve(2, bench.now).empty());
}

TEST_CASE("QueueState: a released message comes back first and does not count a delivery") {
    Bench bench;
    bench.put(1);
    bench.put(2);
    const auto held = bench.take(1);
    CHECK(held[0].deliveries == 1);
    bench.state.release(held[0].token, 0ms, bench.now);
    const auto again = bench.take(2);
    REQUIRE(again.size() == 2);
    CHECK(Bench::number_of(again[0]) == 1);
    CHECK(again[0].deliveries == 1);
    CHECK(again[0].put_at == bench.wall);
}

TEST_CASE("QueueState: a message released for later waits that long") {
    Bench bench;
    bench.put(1);
    const auto held = bench.take(1);
    bench.state.release(held[0].token, 250ms, bench.now);
    CHECK(bench.state.next_expiry() == bench.now + 250ms);
    bench.now += 249ms;
    bench.state.expire(bench.now);
    CHECK(bench.take(1).empty());
    CHECK(bench.state.messages_of("F") == 1);
    bench.now += 1ms;
    bench.state.expire(bench.now);
    CHECK(bench.numbers(1) == Numbers{1});
}

TEST_CASE("QueueState: a lease that ends brings the message back, counted") {
    Bench bench({.visibility = 10s});
    bench.put(1);
    bench.put(2);
    const auto held = bench.take(1);
    CHECK(bench.state.next_expiry() == bench.now + 10s);
    bench.now += 10s;
    CHECK(bench.state.expire(bench.now) == 0);
    const auto again = bench.take(1);
    REQUIRE(again.size() == 1);
    CHECK(Bench::number_of(again[0]) == 1);
    CHECK(again[0].deliveries == 2);

    // The first holder's word no longer counts.
    bench.state.ack(held[0].token);
    bench.state.release(held[0].token, 0ms, bench.now);
    CHECK(bench.state.leased() == 1);
    CHECK(bench.state.messages() == 2);
}

TEST_CASE("QueueState: a message delivered too often is dropped, and may be put again") {
    Bench bench({.visibility = 10s, .max_deliveries = 3});
    bench.put(1);
    for (std::uint32_t delivery = 1; delivery <= 3; ++delivery) {
        const auto held = bench.take(1);
        REQUIRE(held.size() == 1);
        CHECK(held[0].deliveries == delivery);
        bench.now += 10s;
        CHECK(bench.state.expire(bench.now) == (delivery == 3 ? 1 : 0));
    }
    CHECK(bench.state.messages() == 0);
    CHECK(bench.state.messages_of("F") == 0);
    CHECK_FALSE(bench.state.next_expiry());
    CHECK(bench.put(1) == Put::queued);
}

TEST_CASE("QueueState: the watermark of a priority is its oldest waiting message") {
    Bench bench({.visibility = 10s});
    const auto start = bench.wall;
    bench.put(1, "old", 1);
    bench.wall += 5s;
    bench.put(2, "young", 1);
    bench.wall += 6s;
    auto stats = bench.state.stats(bench.wall);
    CHECK(stats.ready == 2);
    CHECK(stats.leased == 0);
    CHECK(stats.exact);
    CHECK(stats.low_watermark == std::array{bench.wall, start, bench.wall});
    REQUIRE(stats.lagging.size() == 1);
    CHECK(stats.lagging[0] == std::pair{std::string("old"), start});

    const auto held = bench.take(1);
    stats = bench.state.stats(bench.wall);
    CHECK(stats.ready == 1);
    CHECK(stats.leased == 1);
    CHECK(stats.low_watermark[1] == start + 5s);
    bench.state.release(held[0].token, 1s, bench.now);
    CHECK(bench.state.stats(bench.wall).low_watermark[1] == start);
}

TEST_CASE("QueueState: depths of functions count everything not acked") {
    Bench bench;
    bench.put(1, "F", 0);
    bench.put(2, "F", 2);
    bench.put(3, "G", 0);
    CHECK(bench.state.messages_of("F") == 2);
    CHECK(bench.state.messages_of("G") == 1);
    CHECK(bench.state.messages_of("H") == 0);
    for (const auto& held : bench.take(3)) bench.state.ack(held.token);
    CHECK(bench.state.messages_of("F") == 0);
    CHECK(bench.state.messages() == 0);
}

TEST_CASE("QueueState: random use loses no message and invents none") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    Bench bench({.visibility = 10s, .max_deliveries = 1'000'000});
    std::set<std::uint64_t> alive;
    std::vector<QueueState::Reserved> held;
    std::uint64_t next = 1;
    for (int round = 0; round < 20'000; ++round) {
        bench.now += Millis{random() % 50};
        bench.state.expire(bench.now);
        const auto dice = random() % 10;
        if (dice < 4) {
            bench.put(
                next, "F" + std::to_string(random() % 7), static_cast<std::uint8_t>(random() % 3)
            );
            alive.insert(next++);
        } else if (dice < 7) {
            for (auto& one : bench.take(random() % 3)) held.push_back(std::move(one));
        } else if (!held.empty()) {
            const auto one = held[random() % held.size()];
            std::erase_if(held, [&](const auto& other) { return other.token == one.token; });
            const auto before = bench.state.messages();
            if (dice < 9) {
                bench.state.ack(one.token);
                if (bench.state.messages() < before) alive.erase(Bench::number_of(one));
            } else {
                bench.state.release(one.token, Millis{random() % 100}, bench.now);
            }
        }
        REQUIRE(bench.state.messages() == alive.size());
    }
    bench.now += 1h;
    bench.state.expire(bench.now);
    std::set<std::uint64_t> delivered;
    for (const auto number : bench.numbers(alive.size() + 10)) {
        CHECK(delivered.insert(number).second);
    }
    CHECK(delivered == alive);
}

TEST_CASE("QueueState: a million waiting messages take less than 120 bytes each") {
    constexpr std::uint64_t count = 1'000'000;
    const auto heap_bytes = [] { return mallinfo2().uordblks + mallinfo2().hblkhd; };
    const auto before = heap_bytes();
    Bench bench;
    for (std::uint64_t i = 1; i <= count; ++i) {
        REQUIRE(bench.put(i, "fn" + std::to_string(i % 1000)) == Put::queued);
    }
    CHECK(bench.put(count + 1) == Put::full);
    const auto after = heap_bytes();
    // Sanitizers bring an allocator that does not tell.
    if (after > before) {
        MESSAGE("bytes per waiting message: ", (after - before) / count);
        CHECK((after - before) / count < 120);
    }
    std::uint64_t taken = 0;
    while (taken < count) {
        const auto held = bench.take(256);
        REQUIRE_FALSE(held.empty());
        for (const auto& one : held) bench.state.ack(one.token);
        taken += held.size();
    }
    CHECK(taken == count);
    CHECK(bench.state.messages() == 0);
}
