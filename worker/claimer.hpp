#pragma once

// Takes calls from the queue while at least half of the memory is free: grants the queue as much
// credit as the gate allows, claims what is delivered in one transaction, acks it at once, and runs
// what was won. The queue's lease covers only the claim, never the run. Of a function with a
// max_concurrency no more calls are claimed than run, and a few that wait; the others stay in the
// queue.

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
    /// Releases those whose function has enough calls here as it is.
    std::vector<Delivery> within_limits(std::vector<Delivery> deliveries);
    void hold_back();
    Task<> resume_later();
    bool enter(const std::string& fn_id, std::size_t at_most);
    void leave(const std::string& fn_id);
    Task<> claim(std::vector<Delivery> deliveries, std::string worker_id);
    Task<> begin(ClaimedCall claimed, std::string worker_id);
    Task<> run(ClaimedCall claimed, std::string worker_id, Gate::Pass pass);

    Deps deps_;
    const std::uint32_t pull_max_;
    Gate running_;
    std::mutex mutex_;
    std::string worker_id_;
    bool installed_ = false;
    std::atomic<bool> paused_{true};
    std::atomic<bool> stopped_{false};
    std::atomic<std::int64_t> in_hand_{0};                        // delivered or claimed, not ended
    std::unordered_map<std::string, std::size_t> in_hand_by_fn_;  // under the mutex
    std::atomic<bool> holding_back_{false};  // all that came was of functions at their limits
    Counter& claimed_;
    Counter& stale_;
    Counter& limited_;
};

}  // namespace stoker
