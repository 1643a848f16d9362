#pragma once

// The contract of MessageQueue (C1-C10 in queue/message_queue.hpp) as one suite for every backend.
//
// A source of a backend includes this file and invokes the suite with a type that can be made
// without arguments and has
//     std::unique_ptr<MessageQueue> open(const QueueOptions&, Executor lane);
// and, if its server can be taken away,
//     std::unique_ptr<MessageQueue> open_unreachable(const QueueOptions&, Executor lane);
// and, if what was put takes its time until it may be delivered,
//     Task<> becomes_ready(MessageQueue&, std::size_t messages);
// Each open() gives an empty queue of its own. A backend whose server knows no ids says so by
//     static constexpr bool knows_ids = false;
// and one whose watermarks come in steps by how far they are behind,
//     static constexpr Millis watermark_behind{…};

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <thread>

#include "model/id.hpp"
#include "queue/message_queue.hpp"
#include "tests/support/deliveries.hpp"
#include "tests/support/run.hpp"

namespace stoker::test {

using namespace std::chrono_literals;

/// Long enough that only a broken queue reaches it.
inline Deadline far_away() { return deadline_in(30s); }

inline std::string new_id() {
    static const SystemClock clock;
    static IdSource ids(clock, 7);
    return ids.next();
}

inline Message new_message(std::string fn_id = "F", std::uint8_t priority = 0) {
    return {new_id(), std::move(fn_id), priority};
}

inline std::vector<Message> new_messages(std::size_t count) {
    std::vector<Message> batch;
    for (std::size_t i = 0; i < count; ++i) batch.push_back(new_message());
    return batch;
}

/// Lets everything run that is posted to the lane or on its way to the backend by now.
inline Task<> turn_over(MessageQueue& queue) {
    co_await queue.stats();
    for (int i = 0; i < 3; ++i) {
        co_await asio::post(co_await asio::this_coro::executor, use_task);
    }
}

template <class Backend>
constexpr bool knows_ids() {
    if constexpr (requires { Backend::knows_ids; }) return Backend::knows_ids;
    return true;
}

template <class Backend>
constexpr Millis watermark_behind() {
    if constexpr (requires { Backend::watermark_behind; }) return Backend::watermark_behind;
    return Millis{0};
}

/// Opens a queue with a consumer on the lane of the test.
template <class Backend>
struct Setup {
    Backend backend;
    std::unique_ptr<MessageQueue> queue;
    Deliveries deliveries;

    Setup(Executor lane, const QueueOptions& options) :
        queue(backend.open(options, lane)),
        deliveries(*queue, lane) {}
};

template <class Backend>
Task<> c1_one_answer_each_in_order() {
    Setup<Backend> with(co_await asio::this_coro::executor, {.max_depth = 3});
    const auto first = new_message();
    CHECK((co_await with.queue->put({})).empty());
    const auto answers =
        co_await with.queue->put({first, first, new_message(), new_message(), new_message()});
    const auto [again, last] = knows_ids<Backend>() ? std::pair{Put::duplicate, Put::queued}
                                                    : std::pair{Put::queued, Put::full};
    CHECK(answers == std::vector{Put::queued, again, Put::queued, last, Put::full});
    CHECK(with.queue->depth() == 3);
    CHECK(with.queue->depth("F") == 3);
    CHECK(with.queue->depth("other") == 0);
}

template <class Backend>
Task<> c1_unknown_after_stop() {
    Setup<Backend> with(co_await asio::this_coro::executor, {});
    co_await with.queue->drain(far_away());
    const auto answers = co_await with.queue->put(new_messages(2));
    CHECK(answers == std::vector{Put::unknown, Put::unknown});
}

template <class Backend>
Task<> c2_queued_is_delivered_and_full_is_not() {
    Setup<Backend> with(co_await asio::this_coro::executor, {.max_depth = 100});
    auto batch = new_messages(101);
    const auto answers = co_await with.queue->put(batch);
    CHECK(std::ranges::count(answers, Put::queued) == 100);
    CHECK(answers.back() == Put::full);
    with.queue->credit(1000);
    std::set<std::string> expected;
    for (std::size_t i = 0; i < 100; ++i) expected.insert(batch[i].call_id);
    auto taken = co_await with.deliveries.take(100, far_away());
    std::set<std::string> delivered;
    for (auto& delivery : taken) {
        CHECK(delivery.message().fn_id == "F");
        delivered.insert(delivery.message().call_id);
        std::move(delivery).ack();
    }
    CHECK(delivered == expected);
    co_await turn_over(*with.queue);
    CHECK(with.deliveries.waiting() == 0);
    CHECK(with.queue->depth() == 0);
}

template <class Backend>
Task<> c3_credit_bounds_and_replaces() {
    Setup<Backend> with(co_await asio::this_coro::executor, {});
    co_await with.queue->put(new_messages(10));
    co_await turn_over(*with.queue);
    CHECK(with.deliveries.waiting() == 0);
    with.queue->credit(5);
    with.queue->credit(3);
    auto held = co_await with.deliveries.take(3, far_away());
    REQUIRE(held.size() == 3);
    co_await turn_over(*with.queue);
    CHECK(with.deliveries.waiting() == 0);
    with.queue->credit(2);
    auto more = co_await with.deliveries.take(2, far_away());
    REQUIRE(more.size() == 2);
    with.queue->credit(0);
    for (auto& delivery : held) std::move(delivery).ack();
    co_await with.queue->put(new_messages(1));
    co_await turn_over(*with.queue);
    CHECK(with.deliveries.waiting() == 0);
}

template <class Backend>
Task<> c4_given_again_after_visibility() {
    Setup<Backend> with(co_await asio::this_coro::executor, {.visibility = 20ms});
    const auto message = new_message();
    co_await with.queue->put({message});
    with.queue->credit(10);
    auto first = co_await with.deliveries.next(far_away());
    REQUIRE(first);
    auto second = co_await with.deliveries.next(far_away());
    REQUIRE(second);
    CHECK(second->message() == message);
    CHECK(second->deliveries() >= 2);
    std::move(*second).ack();
}

template <class Backend>
Task<> c5_settling_works_anywhere_and_any_time() {
    Setup<Backend> with(co_await asio::this_coro::executor, {});
    co_await with.queue->put(new_messages(4));
    with.queue->credit(4);
    auto held = co_await with.deliveries.take(4, far_away());
    REQUIRE(held.size() == 4);
    std::thread([&] { std::move(held[0]).ack(); }).join();
    CHECK(with.queue->depth() == 3);
    with.queue.reset();
    std::move(held[1]).ack();
    std::move(held[2]).release(1s);
    // The fourth is dropped.
}

template <class Backend>
Task<> c6_dropping_releases() {
    Setup<Backend> with(co_await asio::this_coro::executor, {});
    const auto message = new_message();
    co_await with.queue->put({message});
    with.queue->credit(2);
    auto first = co_await with.deliveries.next(far_away());
    REQUIRE(first);
    first.reset();
    auto second = co_await with.deliveries.next(far_away());
    REQUIRE(second);
    CHECK(second->message() == message);
    // Assigning over a delivery drops it as well.
    co_await with.queue->put({new_message()});
    with.queue->credit(2);
    auto other = co_await with.deliveries.next(far_away());
    REQUIRE(other);
    *second = std::move(*other);
    auto third = co_await with.deliveries.next(far_away());
    REQUIRE(third);
    CHECK(third->message() == message);
}

template <class Backend>
Task<> c7_release_does_not_count() {
    Setup<Backend> with(co_await asio::this_coro::executor, {.max_deliveries = 2});
    const auto before = wall_now();
    co_await with.queue->put(new_messages(1));
    for (int i = 0; i < 10; ++i) {
        with.queue->credit(1);
        auto delivery = co_await with.deliveries.next(far_away());
        REQUIRE(delivery);
        CHECK(delivery->deliveries() == 1);
        CHECK(delivery->enqueued_at() >= before);
        CHECK(delivery->enqueued_at() <= wall_now());
        std::move(*delivery).release(Millis{i % 2});
    }
}

template <class Backend>
Task<> c7_release_for_later_comes_back() {
    Setup<Backend> with(co_await asio::this_coro::executor, {});
    co_await with.queue->put(new_messages(1));
    with.queue->credit(2);
    auto delivery = co_await with.deliveries.next(far_away());
    REQUIRE(delivery);
    const auto released = std::chrono::steady_clock::now();
    std::move(*delivery).release(30ms);
    auto again = co_await with.deliveries.next(far_away());
    REQUIRE(again);
    CHECK(std::chrono::steady_clock::now() >= released + 30ms);
}

template <class Backend>
Task<> c8_higher_priority_first() {
    Setup<Backend> with(co_await asio::this_coro::executor, {});
    std::vector<Message> batch;
    for (int i = 0; i < 30; ++i) {
        batch.push_back(new_message("F" + std::to_string(i % 4), static_cast<std::uint8_t>(i % 3)));
    }
    co_await with.queue->put(batch);
    if constexpr (requires { with.backend.becomes_ready(*with.queue, batch.size()); }) {
        co_await with.backend.becomes_ready(*with.queue, batch.size());
    }
    with.queue->credit(30);
    auto taken = co_await with.deliveries.take(30, far_away());
    REQUIRE(taken.size() == 30);
    CHECK(std::ranges::is_sorted(taken, std::greater{}, [](const Delivery& delivery) {
        return delivery.message().priority;
    }));
}

template <class Backend>
Task<> c9_unreachable_is_unknown() {
    if constexpr (requires(Backend b, Executor lane) {
                      b.open_unreachable(QueueOptions{}, lane);
                  }) {
        Backend backend;
        const auto queue = backend.open_unreachable({}, co_await asio::this_coro::executor);
        const auto answers = co_await queue->put(new_messages(2));
        CHECK(answers == std::vector{Put::unknown, Put::unknown});
        CHECK(queue->health() == Health::down);
        CHECK_FALSE(co_await queue->stats());
    } else {
        Setup<Backend> with(co_await asio::this_coro::executor, {});
        CHECK(with.queue->health() == Health::ok);
        CHECK(co_await with.queue->stats());
    }
}

template <class Backend>
Task<> c10_drain_waits_for_held_ones() {
    const auto lane = co_await asio::this_coro::executor;
    Setup<Backend> with(lane, {});
    co_await with.queue->put(new_messages(3));
    with.queue->credit(2);
    auto held = co_await with.deliveries.take(2, far_away());
    REQUIRE(held.size() == 2);
    bool acked = false;
    asio::post(lane, [&] {
        std::move(held[0]).ack();
        std::move(held[1]).release();
        acked = true;
    });
    co_await with.queue->drain(far_away());
    CHECK(acked);
    with.queue->credit(10);
    co_await turn_over(*with.queue);
    CHECK(with.deliveries.waiting() == 0);
}

template <class Backend>
Task<> c10_drain_ends_by_its_deadline() {
    Setup<Backend> with(co_await asio::this_coro::executor, {});
    co_await with.queue->drain(far_away());  // nothing held: at once
    Setup<Backend> held_up(co_await asio::this_coro::executor, {});
    co_await held_up.queue->put(new_messages(1));
    held_up.queue->credit(1);
    auto held = co_await held_up.deliveries.next(far_away());
    REQUIRE(held);
    const auto deadline = deadline_in(20ms);
    co_await held_up.queue->drain(deadline);
    CHECK(has_passed(deadline));
}

template <class Backend>
Task<> statistics_tell_what_waits() {
    Setup<Backend> with(co_await asio::this_coro::executor, {});
    const auto before = wall_now();
    co_await with.queue->put({new_message("F", 1), new_message("G", 1), new_message("G", 1)});
    with.queue->credit(1);
    auto held = co_await with.deliveries.next(far_away());
    REQUIRE(held);
    const auto stats = co_await with.queue->stats();
    REQUIRE(stats);
    CHECK(stats->ready == 2);
    CHECK(stats->leased == 1);
    CHECK(stats->low_watermark[1] >= before - watermark_behind<Backend>());
    CHECK(stats->low_watermark[1] <= wall_now());
}

}  // namespace stoker::test

TEST_CASE_TEMPLATE_DEFINE("MessageQueue", Backend, queue_conformance) {
    using namespace stoker::test;
    SUBCASE("C1: put answers once for each message, in order") {
        run(c1_one_answer_each_in_order<Backend>());
    }
    SUBCASE("C1: after the end put answers unknown") { run(c1_unknown_after_stop<Backend>()); }
    SUBCASE("C2: queued is delivered, full is not") {
        run(c2_queued_is_delivered_and_full_is_not<Backend>());
    }
    SUBCASE("C3: credit bounds deliveries and is replaced, not added") {
        run(c3_credit_bounds_and_replaces<Backend>());
    }
    SUBCASE("C4: a delivery held too long is given again") {
        run(c4_given_again_after_visibility<Backend>());
    }
    SUBCASE("C5: settling works on any thread, also when the queue is gone") {
        run(c5_settling_works_anywhere_and_any_time<Backend>());
    }
    SUBCASE("C6: dropping a delivery releases it") { run(c6_dropping_releases<Backend>()); }
    SUBCASE("C7: releasing does not count as a delivery") {
        run(c7_release_does_not_count<Backend>());
    }
    SUBCASE("C7: a release for later comes back then") {
        run(c7_release_for_later_comes_back<Backend>());
    }
    SUBCASE("C8: the higher priority comes first") { run(c8_higher_priority_first<Backend>()); }
    SUBCASE("C9: a backend that does not answer is unknown and down") {
        run(c9_unreachable_is_unknown<Backend>());
    }
    SUBCASE("C10: drain waits for what is held") { run(c10_drain_waits_for_held_ones<Backend>()); }
    SUBCASE("C10: drain ends by its deadline") { run(c10_drain_ends_by_its_deadline<Backend>()); }
    SUBCASE("statistics tell what waits and what is held") {
        run(statistics_tell_what_waits<Backend>());
    }
}
