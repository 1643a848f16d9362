#pragma once

// Takes calls from the queue while at least half of the memory is free: grants the queue as much
// credit as the gate allows, claims what is delivered in one transaction, acks it at once, and runs
// what was won. The queue's lease covers only the claim, never the run.

#include <atomic>
#include <string>

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
    std::atomic<std::int64_t> in_hand_{0};  // delivered or claimed, not ended
    Counter& claimed_;
    Counter& stale_;
};

}  // namespace stoker
