#pragma once

// One write on its way through the batcher, and who still waits for it. The waiter may leave at its
// deadline while the job is in any stage; exactly one of the two sides learns the outcome:
//   left before it started    the job is not run at all: certain that nothing changed
//   left while it ran         its outcome is unknown to the waiter; `orphaned` gets the result
//   otherwise                 the waiter gets the result
// Private to datastore/sqlite.

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

#include "common/async/one_shot.hpp"
#include "datastore/sqlite/writer.hpp"

namespace stoker::sqlite {

enum class Leaving : std::uint8_t { not_started, in_progress, too_late };

template <class Work, class Orphaned>
class WriteJob {
public:
    using Outcome = decltype(std::declval<Work&>()(std::declval<Writer&>()));

    WriteJob(Executor lane, Work work, Orphaned orphaned) :
        work_(std::move(work)),
        orphaned_(std::move(orphaned)),
        done_(lane) {}

    const OneShot<Outcome>& done() const { return done_; }

    // The waiter's side.

    /// `too_late`: the result is already on its way to done().
    Leaving leave() {
        auto stage = Stage::waiting;
        if (stage_.compare_exchange_strong(stage, Stage::left)) return Leaving::not_started;
        stage = Stage::running;
        if (stage_.compare_exchange_strong(stage, Stage::left)) return Leaving::in_progress;
        return Leaving::too_late;
    }

    // The batcher's side.

    void run(Writer& writer) {
        auto stage = Stage::waiting;
        if (!stage_.compare_exchange_strong(stage, Stage::running)) return;
        outcome_.emplace(writer.attempt(work_));
    }

    /// Whether somebody waits for deliver().
    bool completed(error_code committed) {
        if (!outcome_) return false;
        if (committed) {
            const bool full = committed == boost::system::errc::no_space_on_device;
            *outcome_ = fail(full ? Errc::store_full : Errc::store_unavailable);
        }
        if (stage_.exchange(Stage::ended) == Stage::running) return true;
        orphaned_(std::move(*outcome_));
        return false;
    }

    void deliver() { done_.set(std::move(*outcome_)); }

private:
    enum class Stage : std::uint8_t { waiting, running, ended, left };

    Work work_;
    Orphaned orphaned_;
    const OneShot<Outcome> done_;
    std::optional<Outcome> outcome_;
    std::atomic<Stage> stage_{Stage::waiting};
};

}  // namespace stoker::sqlite
