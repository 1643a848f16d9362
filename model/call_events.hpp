#pragma once

// Publishes each won transition of a call to whoever waits for it. An event is only a hint to read
// the row again: it may be lost or repeated, so a waiter always has a deadline and re-reads.

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/async/one_shot.hpp"
#include "model/call.hpp"

namespace stoker {

struct CallEvent {
    std::string call_id;
    std::string fn_id;
    CallStatus status = CallStatus::queued;
    int attempt = 0;
};

class CallEvents {
public:
    /// Ends its subscription when destroyed. One waiter.
    class Subscription {
    public:
        virtual ~Subscription() = default;
        /// The next event since subscribing or since the last one; empty at the deadline.
        virtual Task<std::optional<CallEvent>> next(Deadline deadline) = 0;
    };

    virtual ~CallEvents() = default;
    /// Any thread, never blocks.
    virtual void publish(const CallEvent& event) = 0;
    /// Subscribe first, then read the row, then wait: no transition can slip between.
    virtual std::unique_ptr<Subscription> subscribe_call(
        std::string_view call_id, Executor lane
    ) = 0;
    virtual std::unique_ptr<Subscription> subscribe_fn(std::string_view fn_id, Executor lane) = 0;
};

/// For roles that share one process.
std::unique_ptr<CallEvents> make_local_call_events();

}  // namespace stoker
