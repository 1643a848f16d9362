#pragma once

// Stands between a worker's claimer and its queue and knows what the claimer may take, so that it
// can be held against the half-memory gate. One lane.

#include <algorithm>
#include <utility>

#include "queue/message_queue.hpp"

namespace stoker::test {

class GateWatch final : public MessageQueue {
public:
    /// A claimer whose gate `stays_open` is what the check must catch.
    GateWatch(MessageQueue& queue, bool stays_open) : queue_(queue), stays_open_(stays_open) {}

    /// What may be delivered of what was granted last.
    std::uint32_t granted() const { return granted_; }

    void credit(std::uint32_t allowed) noexcept override {
        if (allowed == 0 && stays_open_) return;
        granted_ = allowed;
        queue_.credit(allowed);
    }
    void start(Executor lane, OnDeliveries deliver) override {
        queue_.start(lane, [this, deliver = std::move(deliver)](std::vector<Delivery> deliveries) {
            granted_ -= std::min(granted_, static_cast<std::uint32_t>(deliveries.size()));
            deliver(std::move(deliveries));
        });
    }
    Task<std::vector<Put>> put(std::vector<Message> batch) override {
        return queue_.put(std::move(batch));
    }
    Task<Result<QueueStats>> stats() override { return queue_.stats(); }
    Health health() const noexcept override { return queue_.health(); }
    std::uint64_t depth(std::string_view fn_id) const noexcept override {
        return queue_.depth(fn_id);
    }
    std::uint64_t depth() const noexcept override { return queue_.depth(); }
    Task<> drain(Deadline deadline) override { return queue_.drain(deadline); }

private:
    MessageQueue& queue_;
    const bool stays_open_;
    std::uint32_t granted_ = 0;
};

}  // namespace stoker::test
