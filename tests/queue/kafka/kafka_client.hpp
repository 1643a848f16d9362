#pragma once

// A Kafka queue with a consumer, as one process of Stoker has it, for tests that run on its lane.

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "model/id.hpp"
#include "queue/kafka/kafka_queue.hpp"
#include "tests/support/deliveries.hpp"

namespace stoker::test {

struct KafkaClient {
    Metrics metrics;
    std::unique_ptr<KafkaQueue> queue;
    Deliveries deliveries;

    KafkaClient(const std::string& url, Executor lane, const QueueOptions& options = {}) :
        queue(open(url, options, lane, metrics)),
        deliveries(*queue, lane) {}

    static std::unique_ptr<KafkaQueue> open(
        const std::string& url, const QueueOptions& options, Executor lane, Metrics& metrics
    ) {
        auto settings = kafka::parse_url(url);
        REQUIRE(settings);
        REQUIRE(KafkaQueue::check_cluster(*settings));  // as the product does: it makes the topics
        return std::make_unique<KafkaQueue>(*std::move(settings), options, lane, metrics);
    }

    /// Long enough that only a broken queue reaches it.
    static Deadline far_away() { return deadline_in(std::chrono::seconds{60}); }

    /// Looks again and again, for what no event tells. False when it never became so.
    static Task<bool> becomes(std::function<bool()> is_so) {
        const auto deadline = far_away();
        while (!is_so()) {
            if (has_passed(deadline)) co_return false;
            co_await sleep_for(Millis{5});
        }
        co_return true;
    }

    static std::vector<Message> messages(std::size_t count, std::uint8_t priority = 0) {
        static const SystemClock clock;
        static IdSource ids(clock, 11);
        std::vector<Message> batch;
        for (std::size_t i = 0; i < count; ++i) batch.push_back({ids.next(), "F", priority});
        return batch;
    }

    Task<bool> becomes_healthy(Health health = Health::ok) {
        co_return co_await becomes([&] { return queue->health() == health; });
    }
    /// The ids of those queued, which are all.
    Task<std::set<std::string>> put(std::size_t count, std::uint8_t priority = 0) {
        auto batch = messages(count, priority);
        std::set<std::string> ids;
        for (const auto& message : batch) ids.insert(message.call_id);
        const auto answers = co_await queue->put(std::move(batch));
        CHECK(std::ranges::count(answers, Put::queued) == static_cast<std::ptrdiff_t>(count));
        co_return ids;
    }
    Task<Put> put_one() { co_return (co_await queue->put(messages(1))).front(); }
    /// Until it was queued: what was on its way when the cluster went is not.
    Task<bool> puts_again() {
        const auto deadline = far_away();
        while (co_await put_one() != Put::queued) {
            if (has_passed(deadline)) co_return false;
            co_await sleep_for(Millis{20});
        }
        co_return true;
    }
    /// The ids of the next deliveries, each acked as it comes.
    Task<std::multiset<std::string>> ack(std::size_t count) {
        const auto deadline = far_away();
        std::multiset<std::string> ids;
        while (ids.size() < count) {
            auto delivery = co_await deliveries.next(deadline);
            if (!delivery) break;
            ids.insert(delivery->message().call_id);
            std::move(*delivery).ack();
        }
        co_return ids;
    }

    bool has_seen(const std::string& fault) const {
        return metrics.render().contains("stoker_queue_faults_total{fault=\"" + fault + "\"}");
    }
    bool shows(const std::string& line) const { return metrics.render().contains(line + "\n"); }
    bool has_partitions() const { return !shows("stoker_queue_partitions 0"); }
};

}  // namespace stoker::test
