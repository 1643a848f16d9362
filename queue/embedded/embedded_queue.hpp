#pragma once

// The queue of a process that holds the datastore itself: an index in memory, because the rows
// already are on disk. It starts empty and is filled from the rows at start; a put costs no write.
// Any thread may call it. Its mutex is held for microseconds, never while calling the consumer.

#include <memory>

#include "common/metrics.hpp"
#include "queue/message_queue.hpp"

namespace stoker {

class EmbeddedQueue final : public MessageQueue {
public:
    /// Leases end and releases come due on `lane`.
    EmbeddedQueue(const QueueOptions& options, Executor lane, Metrics& metrics);
    EmbeddedQueue(const EmbeddedQueue&) = delete;
    EmbeddedQueue& operator=(const EmbeddedQueue&) = delete;
    ~EmbeddedQueue() override;

    Task<std::vector<Put>> put(std::vector<Message> batch) override;
    void start(Executor lane, OnDeliveries deliver) override;
    void credit(std::uint32_t allowed) noexcept override;
    Task<Result<QueueStats>> stats() override;
    Health health() const noexcept override { return Health::ok; }
    std::uint64_t depth(std::string_view fn_id) const noexcept override;
    std::uint64_t depth() const noexcept override;
    Task<> drain(Deadline deadline) override;

private:
    class Core;
    const std::shared_ptr<Core> core_;
};

}  // namespace stoker
