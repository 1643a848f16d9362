#pragma once

// For people: what holds a call that has not begun to execute, and for how long, as far as an api
// can tell. What a worker says of a call that it has claimed is in the call itself. Any lane.

#include <optional>
#include <string>

#include "api/wait_estimate.hpp"
#include "datastore/datastore.hpp"
#include "queue/message_queue.hpp"

namespace stoker {

struct WaitingReason {
    std::string reason;              ///< empty: nothing is known to hold it
    std::optional<Millis> estimate;  ///< until its turn; absent: nobody can tell
};

class WaitingReasons {
public:
    WaitingReasons(
        Datastore& store, const MessageQueue& queue, const WaitEstimate& waits, const Clock& clock
    ) :
        store_(store),
        queue_(queue),
        waits_(waits),
        clock_(clock) {}

    /// Of a call that is delayed, queued or running.
    Task<WaitingReason> of(const Call& call);

private:
    Task<WaitingReason> of_queued(const Call& call);
    WaitingReason of_delayed(const Call& call) const;

    Datastore& store_;
    const MessageQueue& queue_;
    const WaitEstimate& waits_;
    const Clock& clock_;
};

}  // namespace stoker
