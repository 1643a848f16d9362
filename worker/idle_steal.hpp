#pragma once

// A queue beside which a worker without work takes calls from the datastore. Of a queue that gives
// each consumer a share of its own (Kafka's partitions), calls may wait for a worker that is full
// or has died while others are idle; it also bridges the time in which the shares go from one to
// another, or the queue is away. Whoever is late to a call fails its claim.
//
// Only while there is credit and nothing has come for a while, a few of the oldest waiting calls at
// a time; the next time those behind them. Everything else goes to the queue as it is. run() and
// the consumer are on one lane.

#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "common/async/latch.hpp"
#include "common/metrics.hpp"
#include "datastore/datastore.hpp"
#include "queue/message_queue.hpp"

namespace stoker {

struct StealLimits {
    Millis idle_min{2'000};  ///< without a delivery
    Millis age_min{2'000};   ///< of a call: younger ones are on their way
    Millis pause{1'000};     ///< between two times, ± 20 %
    int calls_max = 16;      ///< at a time
};

class IdleSteal final : public MessageQueue {
public:
    /// Datastore::list_queued.
    using ListQueued =
        std::function<Task<Result<std::vector<MovedCall>>>(std::string after_id, int items_max)>;

    IdleSteal(
        MessageQueue& queue, ListQueued list_queued, Metrics& metrics, StealLimits limits = {}
    );

    /// Until `stopped` is set.
    Task<> run(Latch<bool>& stopped);

    Task<std::vector<Put>> put(std::vector<Message> batch) override;
    void start(Executor lane, OnDeliveries deliver) override;
    void credit(std::uint32_t allowed) noexcept override;
    Task<Result<QueueStats>> stats() override;
    Health health() const noexcept override { return queue_.health(); }
    std::uint64_t depth(std::string_view fn_id) const noexcept override;
    std::uint64_t depth() const noexcept override { return queue_.depth(); }
    bool keeps_shares() const noexcept override { return queue_.keeps_shares(); }
    Task<> drain(Deadline deadline) override;

private:
    using Ticks = std::chrono::steady_clock::rep;

    bool is_idle() const;
    Task<> steal();
    Millis jittered_pause();

    MessageQueue& queue_;
    const ListQueued list_queued_;
    const StealLimits limits_;
    Counter& stolen_;
    std::shared_ptr<const OnDeliveries> deliver_;
    std::atomic<std::uint32_t> credit_{0};
    std::atomic<Ticks> hungry_since_{0};  ///< 0: has no credit
    std::string seen_to_;
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace stoker
