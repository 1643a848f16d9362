#pragma once

// Queues delayed calls when they are due (T2). It sleeps until the next one that it knows of, this
// process's own accepts included, and looks once in an interval for those of others. Every api
// process runs one; the step is a compare-and-set, so two of them do no harm. Any thread; the loop
// runs on the lane given to start().

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "api/outbox.hpp"
#include "datastore/datastore.hpp"
#include "model/call_events.hpp"

namespace stoker {

struct DelayedLimits {
    Millis interval{1'000};
    Millis count_interval{5'000};
    int batch = 500;
};

class DelayedCalls {
public:
    DelayedCalls(
        Datastore& store,
        Outbox& outbox,
        CallEvents& events,
        const Clock& clock,
        DelayedLimits limits,
        Metrics& metrics
    );

    /// A call was accepted that is due then.
    void expect(WallTime run_at);
    /// How many are delayed: as counted last, and what was accepted here since.
    std::uint64_t count() const { return counted_.load() + expected_since_.load(); }
    /// How many wait, held ones too, as counted last.
    std::uint64_t queued() const { return queued_.load(); }

    void start(Executor lane);
    Task<> stop(Deadline deadline);

    /// Queues what is due now. When the next one is due; empty when none is known of.
    Task<std::optional<Deadline>> release();

private:
    Task<> run();
    Task<> count_them();
    /// Until the time, or until a call is expected that is due before.
    Task<> sleep_until(Deadline until);

    Datastore& store_;
    Outbox& outbox_;
    CallEvents& events_;
    const Clock& clock_;
    const DelayedLimits limits_;
    Counter& released_;
    std::atomic<std::uint64_t> counted_{0};
    std::atomic<std::uint64_t> queued_{0};
    std::atomic<std::uint64_t> expected_since_{0};
    Deadline next_count_{};

    std::mutex mutex_;
    std::optional<Deadline> expected_;     // the earliest that expect() was told and has not passed
    std::shared_ptr<OneShot<bool>> wake_;  // of the sleep under way
    bool stopping_ = false;
    Gate gate_;
};

}  // namespace stoker
