#pragma once

// Hands accepted calls to the queue. A call is durable before it comes here, so a queue that fails
// or is slow delays it but cannot lose it: what is not queued at once is parked in memory and put
// again every second. The parked list is bounded by admission, which asks full(); after a crash the
// rows of the datastore take its place. Any lane; the retries run on the lane given to start().

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "common/async/gate.hpp"
#include "common/metrics.hpp"
#include "queue/message_queue.hpp"

namespace stoker {

struct OutboxLimits {
    Millis put_wait{250};
    Millis retry_interval{1'000};
    std::size_t parked_max = 50'000;
    std::size_t batch_max = 500;
};

class Outbox {
public:
    Outbox(MessageQueue& queue, OutboxLimits limits, Metrics& metrics);

    /// Returns when the message is queued or parked, or after `put_wait` while it still is on its
    /// way.
    Task<> put(Message message);
    /// To be put with the next retry.
    void park(std::vector<Message> messages);

    /// So many wait that no further call should be accepted.
    bool full() const {
        return parked_count_.load(std::memory_order_relaxed) >= limits_.parked_max;
    }
    std::size_t parked() const { return parked_count_.load(std::memory_order_relaxed); }

    void start(Executor lane);
    /// Waits for the puts under way. What is parked stays in the datastore.
    Task<> stop(Deadline deadline);

    /// One round over what is parked now. How many are queued by it.
    Task<std::size_t> retry();

private:
    Task<> put_or_park(Message message, OneShot<bool> done);
    Task<> retry_until_stopped();
    std::vector<Message> take_batch(std::size_t count_max);

    MessageQueue& queue_;
    const OutboxLimits limits_;
    Counter& put_again_;
    std::mutex mutex_;
    std::deque<Message> parked_;
    std::atomic<std::size_t> parked_count_{0};
    std::unique_ptr<OneShot<bool>> stop_;
    Gate gate_;
};

}  // namespace stoker
