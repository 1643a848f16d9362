#pragma once

// Knows when the engine answers questions but starts no containers any more, as some versions do
// after a deadlock of their own. Thread-safe; time comes in.

#include <chrono>
#include <mutex>

namespace stoker {

class StartWatch {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// So many starts in a row without an answer in time are no accident.
    static constexpr unsigned unanswered_max = 3;
    /// Without calls nothing would tell that it is well again: after so long it is believed to be,
    /// until the next start fails, too.
    static constexpr std::chrono::minutes distrust{2};

    void unanswered(Time now) {
        const std::scoped_lock lock(mutex_);
        ++unanswered_;
        latest_ = now;
    }
    void answered() {
        const std::scoped_lock lock(mutex_);
        unanswered_ = 0;
    }
    bool is_stuck(Time now) const {
        const std::scoped_lock lock(mutex_);
        return unanswered_ >= unanswered_max && now < latest_ + distrust;
    }

private:
    mutable std::mutex mutex_;
    unsigned unanswered_ = 0;  // in a row
    Time latest_{};
};

}  // namespace stoker
