#pragma once

// Takes calls from the queue while at least half of the memory is free: grants the queue as much
// credit as the gate allows, claims what is delivered in one transaction, acks it at once, and runs
// what was won. The queue's lease covers only the claim, never the run. Of a function whose calls
// would only wait (for its max_concurrency, its image, or because it does not come up) no more are
// claimed than run, and a few that wait; the others stay in the queue.

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>

#include "common/async/gate.hpp"
#include "common/async/lanes.hpp"
#include "common/metrics.hpp"
#include "datastore/datastore.hpp"
#include "model/call_events.hpp"
#include "model/id.hpp"
#include "queue/message_queue.hpp"
#include "worker/call_runner.hpp"
#include "worker/live_calls.hpp"
#include "worker/slot_pool.hpp"

namespace stoker {

class Claimer {
public:
    struct Deps {
        Lanes& lanes;
        Datastore& store;
        MessageQueue& queue;
        CallEvents& events;
        SlotPool& slots;
        MemoryTokens& memory;
        LiveCalls& live;
        CallRunner& runner;
        Metrics& metrics;
    };

    Claimer(Deps deps, std::uint32_t pull_max);

    /// From now on calls are claimed for this worker. Again with another id after a lost lease.
    void start(std::string worker_id);
    /// Grants what the gate allows now. Any thread, cheap: called whenever memory or slots change.
    void refresh();
    void pause();
    void resume();
    /// No more claims; deliveries in hand are released.
    void stop();
    /// Waits until the calls in hand have ended or were handed back.
    Task<bool> drained(Deadline deadline) { co_return co_await running_.close(deadline); }

private:
    void take(std::vector<Delivery> deliveries);
    void grant();
    /// Releases those whose function has enough calls here as it is.
    std::vector<Delivery> within_bounds(std::vector<Delivery> deliveries);
    void hold_back();
    Task<> resume_later();
    bool enter(const std::string& fn_id, std::size_t at_most);
    void leave(const std::string& fn_id);
    Task<> claim(std::vector<Delivery> deliveries, std::string worker_id);
    Task<> begin(ClaimedCall claimed, std::string worker_id);
    Task<> run(ClaimedCall claimed, std::string worker_id, Gate::Pass pass);

    struct InHand {
        std::size_t calls = 0;
        bool refused = false;  ///< others of the function, which are in the queue
    };

    Deps deps_;
    const std::uint32_t pull_max_;
    Gate running_;
    std::mutex mutex_;
    std::string worker_id_;
    bool installed_ = false;
    std::atomic<bool> paused_{true};
    std::atomic<bool> stopped_{false};
    std::atomic<std::int64_t> in_hand_{0};                   // delivered or claimed, not ended
    std::unordered_map<std::string, InHand> in_hand_by_fn_;  // under the mutex
    std::atomic<std::uint32_t> refreshes_{0};                // asked for and not done
    std::atomic<bool> holding_back_{false};  // all that came was of functions with enough here
    std::atomic<bool> resuming_{false};      // the end of that is being waited for
    Counter& claimed_;
    Counter& stale_;
    Counter& limited_;
};

}  // namespace stoker
