#pragma once

// Runs one claimed call to its end: through the executor, then the end into the datastore, fenced
// by owner and attempt. Holds a result for as long as the datastore does not take it. Calls that
// were not the function's fault to fail (a drain, an engine that is away) are handed back to the
// queue, as are those whose launch may do better next time, while they have attempts. What the
// retry policy of the call names is tried again after a pause.

#include <atomic>
#include <functional>
#include <string>

#include "common/metrics.hpp"
#include "datastore/datastore.hpp"
#include "model/call_events.hpp"
#include "queue/message_queue.hpp"
#include "worker/call_executor.hpp"
#include "worker/live_calls.hpp"

namespace stoker {

struct CallRunnerSettings {
    std::uint64_t response_bytes_max = 10ULL * 1024 * 1024;
    std::size_t log_bytes_max = 1024UL * 1024;
};

class CallRunner {
public:
    struct Deps {
        CallExecutor& executor;
        Datastore& store;
        MessageQueue& queue;
        CallEvents& events;
        LiveCalls& live;
        Metrics& metrics;
    };

    CallRunner(Deps deps, CallRunnerSettings settings);

    /// On the lane it shall run on. `owner` is the worker that claimed it.
    Task<> run(ClaimedCall claimed, std::string owner);

    /// Puts a call that has not run here back into the queue.
    Task<> hand_back(const Call& call, Fence fence, HandBack how = HandBack::uncounted);

    /// The process is ending: a hand-back that the queue does not take is left to the next start.
    void drain() { draining_ = true; }
    /// From now on calls that fail are handed back: their containers are being killed.
    void hand_back_failures() { handing_back_ = true; }
    /// Results that the datastore does not take are given up; the lease settles them.
    void stop() { stopping_ = true; }

    /// Called when a call could not start because the engine is away. Any thread.
    void on_engine_away(std::function<void()> callback) { engine_away_ = std::move(callback); }

private:
    struct Outcome {
        CallEnd end;
        std::optional<CallResponse> response;
        std::optional<HandBack> hand_back;
        std::optional<Millis> retry_after;
    };

    Task<Outcome> execute(const ClaimedCall& claimed, const LiveCallRef& live);
    Outcome outcome_of(const Error& error, const Call& call, const LiveCall& live) const;
    Task<> record(const Call& call, FinishedCall finished);
    Task<> retry(const Call& call, FinishedCall attempt, Millis after);
    /// Writes until the store says whether it won; empty when this process ends before.
    template <class Write>
    Task<std::optional<bool>> settle(const Call& call, Write write);
    void publish(const Call& call, CallStatus status);

    Deps deps_;
    const CallRunnerSettings settings_;
    std::function<void()> engine_away_ = [] {};
    std::atomic<bool> draining_{false};
    std::atomic<bool> handing_back_{false};
    std::atomic<bool> stopping_{false};
    std::array<Counter*, 8> ended_{};
    Counter& retried_;
    Counter& fenced_;
};

}  // namespace stoker
