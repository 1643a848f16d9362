#pragma once

// Keeps the ledger moving when something was lost: calls of workers that died are queued again (or
// end), calls that the queue has lost are put again, and at start the waiting calls of the
// datastore fill a queue that starts empty. Calls that have expired end, and idempotency keys are
// deleted when their time is over. Every api process runs one; each step is a compare-and-set, so
// two of them do no harm. Runs on the lane given to start().

#include <memory>
#include <random>
#include <string>

#include "api/outbox.hpp"
#include "api/wait_estimate.hpp"
#include "datastore/datastore.hpp"
#include "model/call_events.hpp"

namespace stoker {

struct SweeperLimits {
    Millis interval{1'000};  ///< ± 20 %
    Millis lease{15'000};    ///< of the workers
    Millis grace{3'000};     ///< past the lease
    int rebuild_page = 1'000;
    bool queue_starts_empty = true;  ///< with each process; a broker of its own does not
    /// More than the visibility of a delivery, else what a slow worker holds is put again.
    Millis redispatch_slack{20'000};
    int redispatch_page = 5'000;  ///< waiting calls looked at in one sweep
    int expire_page = 1'000;      ///< expired calls ended in one sweep
    int forget_page = 1'000;      ///< idempotency keys deleted in one sweep
};

/// When workers may be declared dead. While the datastore was away they could not renew their
/// leases; after it is back (and after a start, which may follow an outage) they get the time to.
class SweepGuard {
public:
    SweepGuard(Millis hold, Deadline now) : hold_(hold), free_at_(now + hold) {}

    void failed() { away_ = true; }
    void answered(Deadline now) {
        if (std::exchange(away_, false)) free_at_ = now + hold_;
    }
    bool may_sweep(Deadline now) const { return !away_ && now >= free_at_; }

private:
    const Millis hold_;
    Deadline free_at_;
    bool away_ = false;
};

class Sweeper {
public:
    Sweeper(
        Datastore& store,
        MessageQueue& queue,
        Outbox& outbox,
        CallEvents& events,
        SweeperLimits limits,
        Metrics& metrics,
        std::uint32_t jitter_seed = std::random_device{}()
    );

    void start(Executor lane);
    Task<> stop(Deadline deadline);

    enum class Rebuild : std::uint8_t { done, more, stuck };
    /// Puts the next waiting calls of the datastore into the queue; stuck when the datastore does
    /// not answer or the queue takes no more for now.
    Task<Rebuild> rebuild_step();
    /// How long calls wait for their turn, by what the queue says at each step.
    const WaitEstimate& waits() const { return waits_; }
    /// One sweep at the given time, if the guard lets it.
    Task<> sweep(Deadline now);
    /// Puts those of the next waiting calls again that the queue should have delivered. After the
    /// last of them it begins anew with the next step.
    Task<> redispatch_step();
    /// Ends calls that have waited for longer than they may.
    Task<> expire_step();

private:
    Task<> run();
    Millis jittered_interval();
    Task<> probe(Deadline now);

    Datastore& store_;
    MessageQueue& queue_;
    Outbox& outbox_;
    CallEvents& events_;
    const SweeperLimits limits_;
    Counter& requeued_;
    Counter& ended_;
    Counter& redispatched_;
    Counter& expired_;
    std::minstd_rand random_;
    SweepGuard guard_;
    WaitEstimate waits_;
    std::string rebuilt_to_;     ///< the last call id that a rebuild has put
    std::string redispatch_at_;  ///< the last call id that redispatch_step() has looked at
    std::unique_ptr<OneShot<bool>> stop_;
    Gate gate_;
};

}  // namespace stoker
