#pragma once

// Somebody who waits, on a lane, for the outcome of a write that another thread does together with
// others. The waiter may leave at its deadline, whatever stage the write is in; exactly one of the
// two sides learns the outcome:
//   left before it began    it must not be done at all: certain that nothing changed
//   left while it was done  its outcome is unknown to the waiter, and left to the worker
//   otherwise               the waiter gets the outcome
// Private to datastore.

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "common/async/one_shot.hpp"
#include "model/error.hpp"

namespace stoker {

enum class Leaving : std::uint8_t { not_started, in_progress, too_late };

template <class Outcome>
class Waiting {
public:
    explicit Waiting(Executor lane) : done_(lane) {}

    Executor lane() const { return done_.lane(); }

    // The waiter's side.

    /// `unknown` is the error when the deadline came while the write was being done; then there is
    /// as much time again for an outcome that is on its way. The object must outlive the Task.
    Task<Outcome> outcome(Deadline deadline, Errc unknown) {
        const auto late = deadline + (deadline - std::chrono::steady_clock::now());
        auto outcome = co_await done_.wait(deadline);
        if (outcome) co_return std::move(*outcome);
        switch (leave()) {
            case Leaving::not_started: co_return fail(Errc::store_unavailable);
            case Leaving::in_progress: co_return fail(unknown);
            case Leaving::too_late: break;
        }
        outcome = co_await done_.wait(late);
        if (outcome) co_return std::move(*outcome);
        co_return fail(unknown);
    }

    /// `too_late`: the outcome is already on its way.
    Leaving leave() {
        auto stage = Stage::waiting;
        if (stage_.compare_exchange_strong(stage, Stage::left)) return Leaving::not_started;
        stage = Stage::running;
        if (stage_.compare_exchange_strong(stage, Stage::left)) return Leaving::in_progress;
        return Leaving::too_late;
    }

    // The worker's side.

    /// False: nobody waits any more, it must not be done.
    bool begin() {
        auto stage = Stage::waiting;
        return stage_.compare_exchange_strong(stage, Stage::running);
    }
    /// Once it is done. Whether the waiter still waits: then deliver() has to follow.
    bool end() { return stage_.exchange(Stage::ended) == Stage::running; }
    /// Whether it may be forgotten.
    bool is_left() const { return stage_ == Stage::left; }
    /// Any thread; at best on the lane.
    void deliver(Outcome outcome) const { done_.set(std::move(outcome)); }

private:
    enum class Stage : std::uint8_t { waiting, running, ended, left };

    const OneShot<Outcome> done_;
    std::atomic<Stage> stage_{Stage::waiting};
};

}  // namespace stoker
