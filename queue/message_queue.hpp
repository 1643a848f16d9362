#pragma once

// Dispatch of call ids from api to workers. The datastore row is the call; a message only points at
// it, so a queue may lose or repeat messages without harm: lost ones are put again from the rows,
// repeated ones fail the claim. At-least-once between put and ack.
//
// The contract, the same for every backend (tests/conformance checks it):
//  C1  put() answers once for each message, in order, never before it suspends or returns;
//  `unknown` after stop. C2  queued: delivered at least once unless the backend loses data; full:
//  certainly not queued;
//      unknown: no claim.
//  C3  After credit(n) at most n further deliveries are made, besides those already handed to the
//      executor. Calls replace, they do not add.
//  C4  A Delivery is held by one consumer; after `visibility` it may be given again.
//  C5  ack() and release() never block or throw, on any thread, also after the queue is gone.
//  C6  Dropping a Delivery releases it.
//  C7  deliveries() >= 1, and release() does not raise it.
//  C8  Priority 2 before 1 before 0 among the messages ready when reserving starts.
//  C9  A backend that does not answer: put() is `unknown` by its deadline, health() is down, and it
//      reconnects for ever. No exception crosses this face after open.
//  C10 drain() ends by its deadline.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/async/task.hpp"
#include "common/clock.hpp"
#include "model/error.hpp"

namespace stoker {

struct Message {
    std::string call_id;
    std::string fn_id;
    std::uint8_t priority = 0;  ///< 0 low .. 2 high

    bool operator==(const Message&) const = default;
};

enum class Put : std::uint8_t {
    queued,     ///< durably, in the sense of the backend's configuration
    duplicate,  ///< already present; the same as queued for the caller
    full,       ///< refused, definitely not queued
    unknown,    ///< may or may not be queued
};

/// The exclusive, short right to try to claim one call. Settled exactly once; dropping it releases
/// it.
class Delivery {
public:
    /// Implemented by the backend; called at most once, on any thread, must not block.
    struct Settle {
        virtual ~Settle() = default;
        virtual void ack() noexcept = 0;
        virtual void release(Millis after) noexcept = 0;
    };

    Delivery(
        Message message,
        std::uint32_t deliveries,
        WallTime enqueued_at,
        std::unique_ptr<Settle> settle
    ) :
        message_(std::move(message)),
        deliveries_(deliveries),
        enqueued_at_(enqueued_at),
        settle_(std::move(settle)) {}
    Delivery(Delivery&&) noexcept = default;
    Delivery& operator=(Delivery&& other) noexcept {
        if (this != &other) {
            release_if_held();
            message_ = std::move(other.message_);
            deliveries_ = other.deliveries_;
            enqueued_at_ = other.enqueued_at_;
            settle_ = std::move(other.settle_);
        }
        return *this;
    }
    ~Delivery() { release_if_held(); }

    const Message& message() const noexcept { return message_; }
    std::uint32_t deliveries() const noexcept { return deliveries_; }  ///< advisory, 1 = first
    WallTime enqueued_at() const noexcept { return enqueued_at_; }

    /// Done with: claimed, or known to be stale. A lost ack means one more delivery.
    void ack() && noexcept { std::exchange(settle_, nullptr)->ack(); }
    /// Not here, not now: anybody may have it after the delay. Does not count as a delivery.
    void release(Millis after = Millis{0}) && noexcept {
        std::exchange(settle_, nullptr)->release(after);
    }

private:
    void release_if_held() noexcept {
        if (settle_) std::exchange(settle_, nullptr)->release(Millis{0});
    }
    Message message_;
    std::uint32_t deliveries_;
    WallTime enqueued_at_;
    std::unique_ptr<Settle> settle_;
};

struct QueueStats {
    std::uint64_t ready = 0;
    std::uint64_t leased = 0;
    /// Per priority: everything put before this has been delivered.
    std::array<WallTime, 3> low_watermark{};
    /// Functions that hold a watermark back, each with its own.
    std::vector<std::pair<std::string, WallTime>> lagging;
    bool exact = false;
};

enum class Health : std::uint8_t { ok, degraded, down };

class MessageQueue {
public:
    using OnDeliveries = std::function<void(std::vector<Delivery>)>;

    virtual ~MessageQueue() = default;

    /// One answer per message, in order. Ends within 2 s whatever the backend does.
    virtual Task<std::vector<Put>> put(std::vector<Message> batch) = 0;

    /// Installs the consumer; `deliver` runs on `lane`. Nothing is delivered before credit.
    virtual void start(Executor lane, OnDeliveries deliver) = 0;

    /// Replaces the remaining allowance; 0 stops reserving. Any thread, never blocks.
    virtual void credit(std::uint32_t allowed) noexcept = 0;

    /// Errc::store_unavailable when the backend does not answer.
    virtual Task<Result<QueueStats>> stats() = 0;
    virtual Health health() const noexcept = 0;

    /// Waiting messages as last known, of one function and of all: what admission control compares
    /// with the depth limits. Never blocks.
    virtual std::uint64_t depth(std::string_view fn_id) const noexcept = 0;
    virtual std::uint64_t depth() const noexcept = 0;

    /// Each consumer has a share of the messages that others do not get, whatever they lack.
    virtual bool keeps_shares() const noexcept { return false; }

    /// No new deliveries; waits until held ones are settled and puts are through, or the deadline.
    virtual Task<> drain(Deadline deadline) = 0;
};

struct QueueOptions {
    Millis visibility{10'000};
    std::uint32_t max_deliveries = 10;
    std::uint64_t max_depth = 1'000'000;
};

}  // namespace stoker
