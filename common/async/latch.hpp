#pragma once

// A value that is settled once and may be awaited by any number of Tasks, before or after.
// Thread-safe.

#include <mutex>
#include <optional>
#include <vector>

#include "common/async/one_shot.hpp"

namespace stoker {

template <class T>
class Latch {
public:
    /// The first value counts.
    void set(T value) {
        std::vector<OneShot<T>> waiters;
        {
            const std::scoped_lock lock(mutex_);
            if (value_) return;
            value_ = value;
            waiters.swap(waiters_);
        }
        for (auto& waiter : waiters) waiter.set(value);
    }

    bool is_set() const {
        const std::scoped_lock lock(mutex_);
        return value_.has_value();
    }

    /// Empty when the deadline passed first.
    Task<std::optional<T>> wait(Deadline deadline) {
        OneShot<T> mine(co_await asio::this_coro::executor);
        {
            const std::scoped_lock lock(mutex_);
            if (value_) co_return value_;
            waiters_.push_back(mine);
        }
        co_return co_await mine.wait(deadline);
    }

private:
    mutable std::mutex mutex_;
    std::optional<T> value_;
    std::vector<OneShot<T>> waiters_;
};

}  // namespace stoker
