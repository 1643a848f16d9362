#pragma once

// Counts the operations in flight of one component, so that its stop() can refuse new ones and wait
// for the last to leave (after Seastar's gate). Thread-safe.

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "common/async/one_shot.hpp"

namespace stoker {

class Gate {
public:
    /// Held by one operation; leaving happens when it is destroyed.
    class Pass {
    public:
        Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        Pass& operator=(Pass&&) = delete;
        ~Pass() {
            if (gate_) gate_->leave();
        }

    private:
        friend class Gate;
        explicit Pass(Gate* gate) : gate_(gate) {}
        Gate* gate_;
    };

    /// Empty once close() began.
    std::optional<Pass> enter() {
        std::scoped_lock lock(mutex_);
        if (closed_) return std::nullopt;
        ++inside_;
        return Pass(this);
    }

    /// Refuses new passes and waits until all have left; false when the deadline came first.
    Task<bool> close(Deadline deadline) {
        OneShot<bool> left(co_await asio::this_coro::executor);
        {
            std::scoped_lock lock(mutex_);
            closed_ = true;
            if (inside_ == 0) co_return true;
            waiters_.push_back(left);
        }
        co_return (co_await left.wait(deadline)).has_value();
    }

    std::size_t inside() const {
        std::scoped_lock lock(mutex_);
        return inside_;
    }

private:
    void leave() {
        std::vector<OneShot<bool>> waiters;
        {
            std::scoped_lock lock(mutex_);
            if (--inside_ == 0 && closed_) waiters.swap(waiters_);
        }
        // The gate may be gone from here on: whoever waited may destroy it.
        for (auto& waiter : waiters) waiter.set(true);
    }

    mutable std::mutex mutex_;
    std::size_t inside_ = 0;
    bool closed_ = false;
    std::vector<OneShot<bool>> waiters_;
};

}  // namespace stoker
