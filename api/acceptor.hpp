#pragma once

// The way of an asynchronous call from request to 202: admitted, stored (durable), put into the
// queue, announced. The row comes before the message, so a call that is visible to a worker is
// always visible to a reader, and a crash at any step leaves either nothing or a call that runs.
// Any lane.

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "api/call_options.hpp"
#include "api/delayed_calls.hpp"
#include "api/fn_cache.hpp"
#include "api/outbox.hpp"
#include "api/wait_estimate.hpp"
#include "model/call_events.hpp"
#include "model/id.hpp"

namespace stoker {

struct AcceptorLimits {
    std::uint64_t depth_max = 1'000'000;   ///< waiting and delayed calls → queue_full
    std::uint64_t fn_depth_max = 100'000;  ///< of one fn → fn_queue_full
    int store_tries_max = 3;
    Millis store_time_max{2'000};                  ///< after which no further try begins
    Millis key_lifetime = std::chrono::hours(24);  ///< of an idempotency key
};

/// Told the image of each accepted call, on its hot path: cheap, and may be empty.
using ExpectImage = std::function<void(const std::string& image)>;

/// The row of a new call; its fn's limits are frozen into it.
Call new_call(const Fn& fn, std::string id, const CallOptions& options, WallTime now);

class Acceptor {
public:
    Acceptor(
        Datastore& store,
        MessageQueue& queue,
        Outbox& outbox,
        DelayedCalls& delayed,
        const WaitEstimate& waits,
        CallEvents& events,
        const Clock& clock,
        AcceptorLimits limits,
        Metrics& metrics,
        ExpectImage expect_image = {}
    );

    /// Whether such a call of this fn may come in now; asked before its body is read.
    Result<void> admit(const Fn& fn, const CallOptions& options);
    /// When this is good a call exists and will run: this one, or the first with its idempotency
    /// key; its id. After outcome_unknown it may.
    Task<Result<std::string>> accept(
        FnEntryRef fn, std::string call_id, CallRequest request, CallOptions options
    );

    /// Whether a call that nobody waits for may come in now.
    bool has_room(const Fn& fn) const { return judge(fn, {}).has_value(); }
    /// Calls that were stored otherwise: they are announced, and will be run.
    Task<> accepted(const Fn& fn, std::vector<Message> messages);

    /// From now on nothing is admitted.
    void close() { closed_ = true; }
    bool closed() const { return closed_; }

private:
    Result<void> judge(const Fn& fn, const CallOptions& options) const;
    Task<Result<std::string>> store(NewCall call);
    /// It is stored: sees to it that it will be run.
    Task<> dispatch(Call call, bool is_held);

    Datastore& store_;
    MessageQueue& queue_;
    Outbox& outbox_;
    DelayedCalls& delayed_;
    const WaitEstimate& waits_;
    CallEvents& events_;
    const Clock& clock_;
    const AcceptorLimits limits_;
    const ExpectImage expect_image_;
    std::atomic<bool> closed_{false};
    Counter& accepted_;
    Counter& refused_;
    Counter& unknown_;
    Counter& replayed_;
};

}  // namespace stoker
