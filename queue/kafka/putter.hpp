#pragma once

// Puts messages: they go to librdkafka at once, on the lane of whoever puts them, which batches
// them; the cluster's reports answer the puts. A message without a report in time is unknown, and
// librdkafka gives it up at the same time. While the cluster is known to be down, nothing is tried.

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "common/async/gate.hpp"
#include "queue/kafka/client.hpp"
#include "queue/kafka/condition.hpp"
#include "queue/kafka/lag.hpp"
#include "queue/message_queue.hpp"

struct rd_kafka_topic_s;

namespace stoker::kafka {

class Putter : public std::enable_shared_from_this<Putter> {
public:
    Putter(
        const Settings& settings,
        std::shared_ptr<Lag> lag,
        std::shared_ptr<Condition> condition,
        std::uint64_t depth_max,
        Executor lane,
        Metrics& metrics
    );
    Putter(const Putter&) = delete;
    Putter& operator=(const Putter&) = delete;
    ~Putter();

    /// Any lane.
    Task<std::vector<Put>> put(std::vector<Message> batch);
    /// From now on every put is unknown; waits for those under way.
    Task<> drain(Deadline deadline);

    /// Serves the reports until end().
    Task<> run();
    /// Any thread: nothing is served from now on. stop() lets run() come to its end, on the lane.
    void end() { ended_ = true; }
    void stop() { waker_->stop(); }

private:
    struct Job;
    /// A message on its way.
    struct Pending {
        std::shared_ptr<Job> job;
        std::size_t index = 0;
    };

    void produce(const std::shared_ptr<Job>& job);
    Put produce_one(const std::shared_ptr<Job>& job, std::size_t index);
    void reported(const rd_kafka_message_s& report);
    static void answer(const std::shared_ptr<Job>& job, std::size_t index, Put put);

    const std::shared_ptr<Lag> lag_;
    const std::shared_ptr<Condition> condition_;
    const std::uint64_t depth_max_;
    Counter& put_;
    Counter& full_;
    Gate gate_;
    const std::shared_ptr<Waker> waker_;
    Client client_;
    std::array<rd_kafka_topic_s*, 3> topics_{};
    std::atomic<bool> ended_{false};
    std::mutex mutex_;
    std::unordered_map<std::uintptr_t, Pending> pending_;
    std::uintptr_t last_id_ = 0;
};

}  // namespace stoker::kafka
