#include "api/delayed_calls.hpp"

#include <algorithm>

#include "api/call_moves.hpp"
#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

DelayedCalls::DelayedCalls(
    Datastore& store,
    Outbox& outbox,
    CallEvents& events,
    const Clock& clock,
    DelayedLimits limits,
    Metrics& metrics
) :
    store_(store),
    outbox_(outbox),
    events_(events),
    clock_(clock),
    limits_(limits),
    released_(
        metrics.counter("stoker_calls_due_total", "Delayed calls queued because they were due")
    ) {
    metrics.gauge("stoker_calls_delayed", "Calls that are delayed, as counted last", [this] {
        return static_cast<double>(count());
    });
}

void DelayedCalls::expect(WallTime run_at) {
    ++expected_since_;
    const auto due = deadline_in(std::max(run_at - clock_.now(), Millis{0}));
    const std::scoped_lock lock(mutex_);
    if (expected_ && *expected_ <= due) return;
    expected_ = due;
    if (wake_) wake_->set(true);
}

Task<std::optional<Deadline>> DelayedCalls::release() {
    // What is queued has to be put, too: not before there is room for it.
    if (outbox_.full()) co_return std::nullopt;
    const auto step = co_await store_.release_due(limits_.batch);
    if (!step) {
        log::warn("delayed.failed", {{"detail", step.error().detail}});
        co_return std::nullopt;
    }
    if (!step->due.empty()) {
        released_.add(step->due.size());
        publish_moves(events_, step->due);
        outbox_.park(messages_of(step->due));
        co_await outbox_.retry();
    }
    if (!step->next_in) co_return std::nullopt;
    co_return deadline_in(std::max(*step->next_in, Millis{0}));
}

Task<> DelayedCalls::count_them() {
    if (!has_passed(next_count_)) co_return;
    next_count_ = deadline_in(limits_.count_interval);
    // What is accepted while the store counts is counted twice, until the next time.
    const auto before = expected_since_.load();
    const auto counts = co_await store_.count_calls();
    if (!counts) co_return;
    counted_ = counts->delayed;
    queued_ = counts->queued;
    expected_since_ -= before;
}

void DelayedCalls::start(Executor lane) { spawn(gate_, lane, "delayed_calls", run()); }

Task<> DelayedCalls::run() {
    for (;;) {
        {
            const std::scoped_lock lock(mutex_);
            if (stopping_) co_return;
            // It will be among those that the store names as the next, or be due.
            if (expected_ && has_passed(*expected_)) expected_.reset();
        }
        const auto next = co_await release();
        co_await count_them();
        const auto latest = deadline_in(limits_.interval);
        co_await sleep_until(next ? std::min(*next, latest) : latest);
    }
}

Task<> DelayedCalls::sleep_until(Deadline until) {
    const auto lane = co_await asio::this_coro::executor;
    for (;;) {
        std::shared_ptr<OneShot<bool>> wake;
        Deadline end = until;
        {
            const std::scoped_lock lock(mutex_);
            if (expected_) end = std::min(until, *expected_);
            if (stopping_ || has_passed(end)) break;
            wake = wake_ = std::make_shared<OneShot<bool>>(lane);
        }
        co_await wake->wait(end);
    }
    const std::scoped_lock lock(mutex_);
    wake_.reset();
}

Task<> DelayedCalls::stop(Deadline deadline) {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
        if (wake_) wake_->set(true);
    }
    co_await gate_.close(deadline);
}

}  // namespace stoker
