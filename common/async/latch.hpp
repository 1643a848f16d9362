#pragma once

// A value that is settled once and may be awaited by any number of Tasks, before or after.
// Thread-safe.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "common/async/one_shot.hpp"

namespace stoker {

template <class T>
class Latch {
public:
    /// The first value counts.
    void set(T value) {
        Waiters waiters;
        {
            const std::scoped_lock lock(mutex_);
            if (value_) return;
            value_ = value;
            waiters.swap(waiters_);
        }
        for (auto& [number, waiter] : waiters) waiter.set(value);
    }

    bool is_set() const {
        const std::scoped_lock lock(mutex_);
        return value_.has_value();
    }

    /// Empty when the deadline passed first.
    Task<std::optional<T>> wait(Deadline deadline) {
        OneShot<T> mine(co_await asio::this_coro::executor);
        std::uint64_t number = 0;
        {
            const std::scoped_lock lock(mutex_);
            if (value_) co_return value_;
            number = ++last_number_;
            waiters_.emplace(number, mine);
        }
        auto value = co_await mine.wait(deadline);
        if (value) co_return value;
        // Whoever waits again and again, for a moment each, must leave nothing behind.
        const std::scoped_lock lock(mutex_);
        waiters_.erase(number);
        co_return value_;
    }

    std::size_t waiting() const {
        const std::scoped_lock lock(mutex_);
        return waiters_.size();
    }

private:
    using Waiters = std::map<std::uint64_t, OneShot<T>>;

    mutable std::mutex mutex_;
    std::optional<T> value_;
    Waiters waiters_;
    std::uint64_t last_number_ = 0;
};

}  // namespace stoker
