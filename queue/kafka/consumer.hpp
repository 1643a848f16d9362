#pragma once

// Takes messages from the cluster while there is credit, as a member of the group of all workers.
// The partitions of a priority share one queue of librdkafka, which is served before those of the
// lower priorities. What is taken goes to InFlight; its watermarks are committed twice a second,
// and before partitions go to others.
//
// Credit: without any, nothing is taken from librdkafka, which has fetched a little ahead. After
// some seconds of that the partitions are paused (pausing throws away what was fetched, so not at
// once), and resumed with the next credit. A partition with a full window is paused alone.
//
// All on the queue's lane, but for start(), credit() and close(); never blocks it.

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "queue/kafka/client.hpp"
#include "queue/kafka/condition.hpp"
#include "queue/kafka/in_flight.hpp"

struct rd_kafka_queue_s;

namespace stoker::kafka {

class Consumer : public std::enable_shared_from_this<Consumer> {
public:
    Consumer(
        Settings settings,
        std::shared_ptr<Waker> waker,
        std::shared_ptr<InFlight> in_flight,
        std::shared_ptr<Condition> condition,
        Executor lane,
        Metrics& metrics
    );

    void start(Executor lane, MessageQueue::OnDeliveries deliver);
    void credit(std::uint32_t allowed);
    /// No deliveries from now on.
    void close();

    /// The topics are there: the group may be joined.
    void topics_are_ready();
    /// Takes part in the group until it has left or was ended.
    Task<> run();
    /// Commits and gives the partitions to others; over when that is done or at the deadline.
    Task<> leave(Deadline deadline);
    /// Any thread: nothing is served from now on. stop() lets run() come to its end, on the lane.
    void end() { ended_ = true; }
    void stop() { waker_->stop(); }

    /// Messages that were fetched and wait here for credit.
    std::uint64_t fetched() const { return fetched_.load(std::memory_order_relaxed); }
    std::uint64_t partitions() const { return partitions_.load(std::memory_order_relaxed); }

private:
    struct Target {
        Executor lane;
        std::shared_ptr<const MessageQueue::OnDeliveries> deliver;
    };
    struct EndQueue {
        void operator()(rd_kafka_queue_s* queue) const;
    };
    using Queue = std::unique_ptr<rd_kafka_queue_s, EndQueue>;

    bool join();
    void turn();
    void serve_group();
    bool take();
    std::optional<Lease> take_one(std::uint8_t priority);
    std::optional<Lease> fetch_one(std::uint8_t priority);
    std::optional<Lease> accept(const rd_kafka_message_s& message, std::uint8_t priority);
    std::uint32_t wanted() const;
    void hand_over(std::vector<Lease> leases);
    void deliver(std::vector<Lease> leases);

    void rebalanced(int code, rd_kafka_topic_partition_list_s* partitions);
    void assigned(rd_kafka_topic_partition_list_s* partitions);
    void revoked(rd_kafka_topic_partition_list_s* partitions);
    void steer(Deadline now);
    void drop_fetched();
    void pause(const std::vector<Partition>& partitions, bool is_paused);
    void commit();
    void committed(int code, const rd_kafka_topic_partition_list_s* partitions);
    Deadline next_turn(Deadline now) const;
    bool has_left() const;
    void begin_leaving();
    void let_go();

    const Settings settings_;
    const std::shared_ptr<Waker> waker_;
    const std::shared_ptr<InFlight> in_flight_;
    const std::shared_ptr<Condition> condition_;
    const Executor lane_;
    Counter& delivered_;
    Counter& unreadable_;
    std::unique_ptr<Client> client_;
    std::array<Queue, 3> queues_;  // of the priorities; end before the client
    std::vector<Partition> ours_;
    std::set<Partition> full_;  ///< paused because their windows are full
    bool is_paused_ = false;    ///< all are, for want of credit
    std::optional<Deadline> poor_since_;
    Deadline commit_at_{};
    bool topics_ready_ = false;
    bool leaving_ = false;
    std::vector<OneShot<bool>> left_;
    bool has_left_ = false;
    std::atomic<bool> ended_{false};
    std::atomic<std::uint64_t> fetched_{0};
    std::atomic<std::uint64_t> partitions_{0};

    mutable std::mutex mutex_;
    std::optional<Target> target_;
    std::uint32_t credit_ = 0;
    std::uint32_t in_transit_ = 0;
    bool closed_ = false;
};

}  // namespace stoker::kafka
