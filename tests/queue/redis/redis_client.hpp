#pragma once

// A Redis queue with a consumer, as one process of Stoker has it, for tests that run on its lane.

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>

#include "model/id.hpp"
#include "queue/redis/redis_queue.hpp"
#include "tests/support/deliveries.hpp"

namespace stoker::test {

/// Long enough that only a broken queue reaches it.
inline Deadline far_away() { return deadline_in(std::chrono::seconds{30}); }

inline std::vector<Message> new_messages(
    std::size_t count, const std::string& fn_id = "F", std::uint8_t priority = 0
) {
    static const SystemClock clock;
    static IdSource ids(clock, 11);
    std::vector<Message> batch;
    for (std::size_t i = 0; i < count; ++i) batch.push_back({ids.next(), fn_id, priority});
    return batch;
}

inline std::unique_ptr<RedisQueue> open_redis_queue(
    const std::string& url, const QueueOptions& options, Executor lane, Metrics& metrics
) {
    auto settings = redis::parse_url(url);
    REQUIRE(settings);
    return std::make_unique<RedisQueue>(*std::move(settings), options, lane, metrics);
}

/// Looks again and again, for what no event tells. False when it never became so.
inline Task<bool> becomes(std::function<bool()> is_so) {
    const auto deadline = far_away();
    while (!is_so()) {
        if (has_passed(deadline)) co_return false;
        co_await sleep_for(Millis{5});
    }
    co_return true;
}

struct RedisClient {
    Metrics metrics;
    std::unique_ptr<RedisQueue> queue;
    Deliveries deliveries;

    RedisClient(const std::string& url, Executor lane, const QueueOptions& options = {}) :
        queue(open_redis_queue(url, options, lane, metrics)),
        deliveries(*queue, lane) {}

    Task<bool> becomes_healthy(Health health = Health::ok) {
        co_return co_await becomes([&] { return queue->health() == health; });
    }
    /// Of one message.
    Task<Put> put_one() { co_return (co_await queue->put(new_messages(1))).front(); }
    /// Until it was queued: what was on its way when the server went is not.
    Task<bool> puts_again() {
        const auto deadline = far_away();
        while (co_await put_one() != Put::queued) {
            if (has_passed(deadline)) co_return false;
            co_await sleep_for(Millis{20});
        }
        co_return true;
    }
    bool has_seen(const std::string& fault) const {
        return metrics.render().contains("stoker_queue_faults_total{fault=\"" + fault + "\"}");
    }
};

}  // namespace stoker::test
