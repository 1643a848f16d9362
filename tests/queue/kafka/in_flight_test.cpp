#include "queue/kafka/in_flight.hpp"

#include <doctest/doctest.h>

#include <atomic>

#include "tests/support/run.hpp"

using namespace stoker;
using namespace stoker::kafka;
using namespace std::chrono_literals;

namespace {

constexpr Partition ours{.priority = 1, .number = 0};
constexpr Partition other{.priority = 1, .number = 1};

/// One partition of which `ours` was assigned.
struct Shelf {
    Metrics metrics;
    std::shared_ptr<Lag> lag = std::make_shared<Lag>();
    std::atomic<int> changes{0};
    std::shared_ptr<InFlight> in_flight;

    explicit Shelf(const QueueOptions& options = {}) :
        in_flight(std::make_shared<InFlight>(lag, options, metrics, [this] { ++changes; })) {
        in_flight->assign(ours);
    }

    std::optional<Lease> fetch(std::int64_t offset, Partition partition = ours) const {
        return in_flight->fetched({partition, offset}, {"C" + std::to_string(offset), "F", 1}, {});
    }
    Delivery deliver(std::int64_t offset) const {
        auto lease = fetch(offset);
        REQUIRE(lease);
        return in_flight->deliver(*std::move(lease));
    }
    std::vector<Place> watermarks() const { return in_flight->take_watermarks(); }
    /// As time goes by.
    void turn_in(Millis time) const { in_flight->turn(deadline_in(time)); }
};

std::vector<Place> at(std::int64_t offset) { return {Place{ours, offset}}; }

}  // namespace

TEST_CASE("Kafka in flight: a watermark is taken once, and again when its commit failed") {
    const Shelf shelf;
    CHECK(shelf.watermarks().empty());
    auto first = shelf.deliver(10);
    auto second = shelf.deliver(11);
    CHECK(shelf.watermarks() == at(10));
    CHECK(shelf.watermarks().empty());
    std::move(second).ack();
    CHECK(shelf.watermarks().empty());
    std::move(first).ack();
    CHECK(shelf.watermarks() == at(12));
    shelf.in_flight->not_committed(ours);
    CHECK(shelf.watermarks() == at(12));
    CHECK(shelf.watermarks().empty());
    CHECK(shelf.changes == 2);
}

TEST_CASE("Kafka in flight: what is released comes back, before its time it does not") {
    const Shelf shelf;
    auto delivery = shelf.deliver(0);
    std::move(delivery).release(1h);
    CHECK(shelf.in_flight->leased() == 0);
    CHECK_FALSE(shelf.in_flight->take_returned(1));
    shelf.turn_in(59min);
    CHECK_FALSE(shelf.in_flight->take_returned(1));
    shelf.turn_in(61min);
    CHECK_FALSE(shelf.in_flight->take_returned(0));
    const auto again = shelf.in_flight->take_returned(1);
    REQUIRE(again);
    CHECK(again->message.call_id == "C0");
    CHECK(again->deliveries == 1);
    CHECK(shelf.watermarks() == at(0));
}

TEST_CASE("Kafka in flight: a lease that ends is another delivery, and its holder has lost it") {
    const Shelf shelf({.visibility = 10s});
    auto late = shelf.deliver(0);
    shelf.turn_in(9s);
    CHECK_FALSE(shelf.in_flight->take_returned(1));
    shelf.turn_in(11s);
    const auto again = shelf.in_flight->take_returned(1);
    REQUIRE(again);
    CHECK(again->deliveries == 2);
    CHECK(shelf.watermarks() == at(0));
    std::move(late).ack();
    CHECK(shelf.watermarks().empty());
    CHECK(shelf.in_flight->leased() == 1);
    auto second = shelf.in_flight->deliver(*again);
    std::move(second).ack();
    CHECK(shelf.watermarks() == at(1));
}

TEST_CASE("Kafka in flight: delivered too often without an ack, a message is dropped and counted") {
    const Shelf shelf({.visibility = 10s, .max_deliveries = 2});
    auto first = shelf.fetch(0);
    shelf.turn_in(11s);
    REQUIRE(shelf.in_flight->take_returned(1));
    shelf.turn_in(22s);
    CHECK_FALSE(shelf.in_flight->take_returned(1));
    CHECK(shelf.watermarks() == at(1));
    CHECK(shelf.metrics.render().contains("stoker_queue_dropped_total 1"));
}

TEST_CASE("Kafka in flight: of partitions that went, nothing is settled any more") {
    const Shelf shelf;
    auto held = shelf.deliver(0);
    auto released = shelf.deliver(1);
    std::move(released).release();
    shelf.in_flight->revoke();
    CHECK_FALSE(shelf.in_flight->take_returned(1));
    CHECK(shelf.watermarks().empty());
    CHECK_FALSE(shelf.fetch(2));
    std::move(held).ack();
    // Ours again, from where the others have left it: the late ack does not count for it.
    shelf.in_flight->assign(ours);
    auto again = shelf.deliver(0);
    CHECK(shelf.watermarks() == at(0));
    std::move(again).ack();
    CHECK(shelf.watermarks() == at(1));
}

TEST_CASE("Kafka in flight: a log that begins anew voids what was fetched of the old one") {
    const Shelf shelf;
    auto old = shelf.deliver(100);
    auto fresh = shelf.deliver(0);
    CHECK(shelf.in_flight->leased() == 1);
    std::move(old).ack();
    CHECK(shelf.watermarks() == at(0));
    std::move(fresh).ack();
    CHECK(shelf.watermarks() == at(1));
}

TEST_CASE("Kafka in flight: a full window gives back to the datastore what only waits, oldest first"
) {
    const Shelf shelf;
    shelf.in_flight->assign(other);
    auto held = shelf.fetch(300, other);
    for (std::int64_t offset = 0; offset < 256; ++offset) {
        auto delivery = shelf.deliver(offset);
        std::move(delivery).release(1h);
    }
    CHECK(shelf.in_flight->is_full(ours));
    CHECK_FALSE(shelf.in_flight->has_room(ours));
    CHECK_FALSE(shelf.in_flight->is_full(other));
    shelf.turn_in(4s);
    CHECK(shelf.in_flight->is_full(ours));
    shelf.turn_in(6s);
    CHECK_FALSE(shelf.in_flight->is_full(ours));
    CHECK(shelf.in_flight->has_room(ours));
    CHECK(shelf.metrics.render().contains("stoker_queue_handed_back_total 128"));
    CHECK(shelf.watermarks() == std::vector<Place>{{ours, 128}, {other, 300}});
}

TEST_CASE("Kafka in flight: what somebody holds is not handed back, however full it is") {
    const Shelf shelf({.visibility = 1h});
    auto held = shelf.deliver(0);
    for (std::int64_t offset = 1; offset < 256; ++offset) {
        auto delivery = shelf.deliver(offset);
        std::move(delivery).release(1h);
    }
    shelf.turn_in(6s);
    CHECK(shelf.in_flight->is_full(ours));
    std::move(held).ack();
    shelf.turn_in(6s);
    CHECK_FALSE(shelf.in_flight->is_full(ours));
}

TEST_CASE("Kafka in flight: what is none of ours is passed over") {
    const Shelf shelf;
    shelf.in_flight->skip({ours, 0});
    CHECK(shelf.watermarks() == at(1));
    auto delivery = shelf.deliver(1);
    shelf.in_flight->skip({ours, 2});
    CHECK(shelf.watermarks().empty());
    std::move(delivery).ack();
    CHECK(shelf.watermarks() == at(3));
}

TEST_CASE("Kafka in flight: given back undelivered, messages keep their order and count nothing") {
    const Shelf shelf;
    std::vector<Lease> leases;
    for (const auto offset : {0, 1, 2}) leases.push_back(*shelf.fetch(offset));
    shelf.in_flight->give_back(std::move(leases));
    for (const auto offset : {0, 1, 2}) {
        const auto lease = shelf.in_flight->take_returned(1);
        REQUIRE(lease);
        CHECK(lease->place.offset == offset);
        CHECK(lease->deliveries == 1);
    }
}

TEST_CASE("Kafka in flight: drained when the last that was delivered is settled") {
    test::run([]() -> Task<> {
        const Shelf shelf;
        co_await shelf.in_flight->drain(deadline_in(1h));
        auto delivery = std::make_shared<Delivery>(shelf.deliver(0));
        // Its partition goes meanwhile: settled it is all the same.
        shelf.in_flight->revoke();
        asio::post(co_await asio::this_coro::executor, [delivery] { std::move(*delivery).ack(); });
        co_await shelf.in_flight->drain(deadline_in(1h));
    }());
}
