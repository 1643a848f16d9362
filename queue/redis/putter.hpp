#pragma once

// Puts messages: all that arrive from anywhere while one script is on its way go together in the
// next. A message that is not answered in time is unknown; so is one that finds no connection, at
// once. put() on any lane, the rest on the link's.

#include <atomic>
#include <deque>
#include <mutex>
#include <vector>

#include "common/async/gate.hpp"
#include "queue/message_queue.hpp"
#include "queue/redis/depths.hpp"
#include "queue/redis/link.hpp"

namespace stoker::redis {

class Putter : public std::enable_shared_from_this<Putter> {
public:
    Putter(
        std::shared_ptr<Link> link,
        std::shared_ptr<Depths> depths,
        std::uint64_t depth_max,
        Executor lane,
        Metrics& metrics
    );

    Task<std::vector<Put>> put(std::vector<Message> batch);
    /// From now on every put is unknown; waits for those under way.
    Task<> drain(Deadline deadline);

    /// The server answers, but took no messages the last time.
    bool is_refused() const { return is_refused_.load(std::memory_order_relaxed); }

private:
    struct Job;
    /// A part of a job that goes in one script.
    struct Slice {
        std::shared_ptr<Job> job;
        std::size_t from = 0;
        std::size_t count = 0;
    };

    bool submit(const std::shared_ptr<Job>& job);
    Task<> send_all();
    std::vector<Slice> take_batch();
    Task<> send(const std::vector<Slice>& batch);
    void answer(const std::vector<Slice>& batch, const std::vector<Put>& answers);

    const std::shared_ptr<Link> link_;
    const std::shared_ptr<Depths> depths_;
    const std::string depth_max_;
    const Executor lane_;
    Counter& put_;
    Counter& full_;
    Gate gate_;
    std::atomic<bool> is_refused_{false};
    std::mutex mutex_;
    std::deque<Slice> waiting_;
    std::size_t waiting_messages_ = 0;
    bool sending_ = false;
};

}  // namespace stoker::redis
