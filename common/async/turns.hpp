#pragma once

// Bounds how many operations are under way at once: the others wait in line. Thread-safe.

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "common/async/one_shot.hpp"

namespace stoker {

class Turns {
public:
    /// The right to go on; ends when it is destroyed.
    class Turn {
    public:
        Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
        Turn& operator=(Turn&&) = delete;
        ~Turn() {
            if (turns_) turns_->pass_on();
        }

    private:
        friend class Turns;
        explicit Turn(Turns* turns) : turns_(turns) {}
        Turns* turns_;
    };

    explicit Turns(std::size_t at_once) : free_(at_once) {}

    /// First come, first served. Empty when the deadline passed first.
    Task<std::optional<Turn>> take(Deadline deadline = Deadline::max()) {
        OneShot<bool> mine(co_await asio::this_coro::executor);
        std::uint64_t number = 0;
        {
            const std::scoped_lock lock(mutex_);
            if (free_ > 0) {
                --free_;
                co_return Turn(this);
            }
            number = ++last_number_;
            waiting_.emplace(number, mine);
        }
        if (!co_await mine.wait(deadline)) {
            const std::scoped_lock lock(mutex_);
            if (waiting_.erase(number) > 0) co_return std::nullopt;
            // It is on its way to this lane.
        }
        co_return Turn(this);
    }

private:
    void pass_on() {
        const std::scoped_lock lock(mutex_);
        if (waiting_.empty()) {
            ++free_;
            return;
        }
        const auto next = waiting_.begin();
        next->second.set(true);
        waiting_.erase(next);
    }

    std::mutex mutex_;
    std::size_t free_;
    std::uint64_t last_number_ = 0;
    std::map<std::uint64_t, OneShot<bool>> waiting_;  // by when they came
};

}  // namespace stoker
