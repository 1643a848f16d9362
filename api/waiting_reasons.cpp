#include "api/waiting_reasons.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace stoker {

Task<WaitingReason> WaitingReasons::of(const Call& call) {
    if (call.status == CallStatus::delayed) co_return of_delayed(call);
    if (call.status == CallStatus::queued) co_return co_await of_queued(call);
    co_return WaitingReason{call.waiting_for, {}};
}

WaitingReason WaitingReasons::of_delayed(const Call& call) const {
    if (!call.run_at) return {};
    const auto until = format_time(*call.run_at);
    const auto now = clock_.now();
    return {
        call.attempt > 0 ? fmt::format("its next attempt, which is delayed until {}", until)
                         : fmt::format("it is delayed until {}", until),
        std::max(*call.run_at - now, Millis{0}) + waits_.of(call.fn_id, call.priority, now)
    };
}

/// The depths are those of all waiting calls: where in the line it is, no queue can tell.
Task<WaitingReason> WaitingReasons::of_queued(const Call& call) {
    if (!call.waiting_for.empty()) co_return WaitingReason{call.waiting_for, {}};  // it is held
    const auto workers = co_await store_.list_workers();
    if (workers && workers->empty()) co_return WaitingReason{"no worker is alive", {}};
    const auto estimate = waits_.known(call.fn_id, call.priority, clock_.now());
    const auto others = [](std::uint64_t depth) { return depth > 0 ? depth - 1 : 0; };
    const auto of_fn = others(queue_.depth(call.fn_id));
    const auto of_all = std::max(others(queue_.depth()), of_fn);
    if (of_all == 0) co_return WaitingReason{"a worker with room for it", estimate};
    co_return WaitingReason{
        fmt::format("behind up to {} calls, {} of them of its function", of_all, of_fn), estimate
    };
}

}  // namespace stoker
