#pragma once

// How long a call that is accepted now will wait for its turn, judged by how long those have waited
// that the queue has not delivered yet. The sweeper tells it what the queue says; admission asks.
// Any thread.

#include <mutex>

#include "datastore/datastore.hpp"

namespace stoker {

class WaitEstimate {
public:
    void update(DeliveredBefore delivered, WallTime now) {
        const std::scoped_lock lock(mutex_);
        delivered_ = std::move(delivered);
        told_at_ = now;
    }

    /// Empty when nothing is known, or what is known is too old to go by.
    std::optional<Millis> known(std::string_view fn_id, int priority, WallTime now) const {
        const std::scoped_lock lock(mutex_);
        if (!told_at_ || now - *told_at_ > too_old) return std::nullopt;
        // As it was then: that nothing has been told since does not mean that somebody waits.
        return std::max(*told_at_ - delivered_.of(fn_id, priority, *told_at_), Millis{0});
    }
    /// None, unless it is known.
    Millis of(std::string_view fn_id, int priority, WallTime now) const {
        return known(fn_id, priority, now).value_or(Millis{0});
    }

private:
    static constexpr Millis too_old{10'000};

    mutable std::mutex mutex_;
    DeliveredBefore delivered_;
    std::optional<WallTime> told_at_;
};

}  // namespace stoker
