#pragma once

// How many calls are delayed, wait and run: counted from the file at open, then moved by the
// transitions whose transaction committed. Only the writer changes it; any thread reads it.

#include <atomic>
#include <cstdint>

#include "datastore/datastore.hpp"

namespace stoker::sqlite {

/// What the transitions of one batch change, kept apart until its commit.
struct CountChange {
    std::int64_t delayed = 0;
    std::int64_t queued = 0;
    std::int64_t running = 0;

    void left(CallStatus status) { add(status, -1); }
    void entered(CallStatus status) { add(status, +1); }

private:
    void add(CallStatus status, int by) {
        if (status == CallStatus::delayed) delayed += by;
        if (status == CallStatus::queued) queued += by;
        if (status == CallStatus::running) running += by;
    }
};

class CallCounter {
public:
    void apply(const CountChange& change) {
        delayed_.fetch_add(change.delayed, std::memory_order_relaxed);
        queued_.fetch_add(change.queued, std::memory_order_relaxed);
        running_.fetch_add(change.running, std::memory_order_relaxed);
    }
    CallCounts now() const {
        return {
            .delayed = positive(delayed_),
            .queued = positive(queued_),
            .running = positive(running_)
        };
    }

private:
    static std::uint64_t positive(const std::atomic<std::int64_t>& count) {
        const auto value = count.load(std::memory_order_relaxed);
        return value > 0 ? static_cast<std::uint64_t>(value) : 0;
    }
    std::atomic<std::int64_t> delayed_{0};
    std::atomic<std::int64_t> queued_{0};
    std::atomic<std::int64_t> running_{0};
};

}  // namespace stoker::sqlite
