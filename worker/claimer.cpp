#include "worker/claimer.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>

#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {
constexpr Millis retry_pause{1'000};
/// Calls of one function that are claimed beyond its max_concurrency, so that the next one is there
/// when one ends; and how many of them are left when more are pulled.
constexpr std::size_t beyond_limit_max = 8;
constexpr std::size_t beyond_limit_low = 4;
/// For calls of functions at their limits, unless one ends before.
constexpr Millis limited_pause{100};
}  // namespace

Claimer::Claimer(Deps deps, std::uint32_t pull_max) :
    deps_(deps),
    pull_max_(pull_max),
    claimed_(deps.metrics.counter("stoker_calls_claimed_total", "Calls claimed by this worker")),
    stale_(deps.metrics.counter(
        "stoker_deliveries_stale_total", "Deliveries whose call was not queued any more"
    )),
    limited_(deps.metrics.counter(
        "stoker_deliveries_limited_total",
        "Deliveries left to later or to others because of the function's max_concurrency"
    )) {}

void Claimer::start(std::string worker_id) {
    {
        const std::scoped_lock lock(mutex_);
        worker_id_ = std::move(worker_id);
        if (!std::exchange(installed_, true)) {
            deps_.queue.start(deps_.lanes.at(0), [this](std::vector<Delivery> deliveries) {
                take(std::move(deliveries));
            });
        }
    }
    resume();
}

void Claimer::refresh() {
    if (paused_ || stopped_ || holding_back_ || !deps_.live.is_owning()) return;
    const auto gate = pull_credit(
        deps_.memory.total_mb(), deps_.slots.busy_mb(), deps_.live.smallest_mb(), pull_max_
    );
    // Calls that are here and do not execute yet hold no memory, but count: else an open gate would
    // pull without end while they wait for their slots. Those that wait for their function's
    // max_concurrency are bounded by it, and must not keep other functions from being served.
    const auto limited = static_cast<std::int64_t>(deps_.slots.counts().waiting_limited);
    const auto waiting = in_hand_ - deps_.live.executing() - limited;
    const auto room = std::max<std::int64_t>(0, pull_max_ - std::max<std::int64_t>(0, waiting));
    deps_.queue.credit(static_cast<std::uint32_t>(std::min<std::int64_t>(gate, room)));
}

void Claimer::pause() {
    paused_ = true;
    deps_.queue.credit(0);
}

void Claimer::resume() {
    paused_ = false;
    refresh();
}

void Claimer::stop() {
    stopped_ = true;
    deps_.queue.credit(0);
}

void Claimer::take(std::vector<Delivery> deliveries) {
    if (stopped_ || paused_) return;  // dropping them releases them
    if (!deps_.live.is_owning()) {
        // What would be claimed could not begin. The next good heartbeat grants credit again.
        deps_.queue.credit(0);
        return;
    }
    deliveries = within_limits(std::move(deliveries));
    if (deliveries.empty()) return hold_back();
    in_hand_ += static_cast<std::int64_t>(deliveries.size());
    std::string worker_id;
    {
        const std::scoped_lock lock(mutex_);
        worker_id = worker_id_;
    }
    spawn(
        running_,
        deps_.lanes.at(0),
        "claimer.claim",
        claim(std::move(deliveries), std::move(worker_id))
    );
}

std::vector<Delivery> Claimer::within_limits(std::vector<Delivery> deliveries) {
    std::vector<Delivery> taken;
    taken.reserve(deliveries.size());
    for (auto& delivery : deliveries) {
        const auto& fn_id = delivery.message().fn_id;
        const auto limit = deps_.slots.concurrency_limit(fn_id);
        if (enter(fn_id, limit == 0 ? SIZE_MAX : limit + beyond_limit_max)) {
            taken.push_back(std::move(delivery));
        } else {
            limited_.add();
            std::move(delivery).release(limited_pause);
        }
    }
    return taken;
}

/// One more call of the function is here, unless there are that many.
bool Claimer::enter(const std::string& fn_id, std::size_t at_most) {
    const std::scoped_lock lock(mutex_);
    auto& in_hand = in_hand_by_fn_[fn_id];
    if (in_hand >= at_most) return false;
    ++in_hand;
    return true;
}

void Claimer::hold_back() {
    deps_.queue.credit(0);
    if (holding_back_.exchange(true)) return;
    spawn(running_, deps_.lanes.at(0), "claimer.resume_later", resume_later());
}

Task<> Claimer::resume_later() {
    co_await sleep_for(limited_pause);
    holding_back_ = false;
    refresh();
}

/// A call of the function is here no longer.
void Claimer::leave(const std::string& fn_id) {
    const auto limit = deps_.slots.concurrency_limit(fn_id);
    const std::scoped_lock lock(mutex_);
    const auto found = in_hand_by_fn_.find(fn_id);
    if (--found->second == 0) {
        in_hand_by_fn_.erase(found);
        return;
    }
    if (limit > 0 && found->second <= limit + beyond_limit_low) holding_back_ = false;
}

Task<> Claimer::claim(std::vector<Delivery> deliveries, std::string worker_id) {
    std::vector<std::string> ids;
    ids.reserve(deliveries.size());
    for (const auto& delivery : deliveries) ids.push_back(delivery.message().call_id);

    auto claimed = co_await deps_.store.claim(worker_id, std::move(ids));
    const auto delivered = static_cast<std::int64_t>(deliveries.size());
    if (!claimed) {
        log::warn("claim.failed", {{"code", spec_of(claimed.error().code).word}});
        for (auto& delivery : deliveries) {
            leave(delivery.message().fn_id);
            std::move(delivery).release(retry_pause);
        }
        in_hand_ -= delivered;
        // Each of them used up credit, and nothing else may come that would renew it.
        co_await sleep_for(retry_pause);
        refresh();
        co_return;
    }
    for (const auto& call : *claimed) enter(call.call.fn_id, SIZE_MAX);
    for (auto& delivery : deliveries) {
        leave(delivery.message().fn_id);
        std::move(delivery).ack();
    }
    const auto won = static_cast<std::int64_t>(claimed->size());
    in_hand_ -= delivered - won;
    claimed_.add(static_cast<std::uint64_t>(won));
    stale_.add(static_cast<std::uint64_t>(delivered - won));
    for (auto& call : *claimed) co_await begin(std::move(call), worker_id);
    refresh();
}

Task<> Claimer::begin(ClaimedCall claimed, std::string worker_id) {
    const auto& call = claimed.call;
    auto pass = running_.enter();
    if (!pass) {
        // The drain began while this batch was being claimed.
        co_await deps_.runner.hand_back(call, {call.id, worker_id, call.attempt});
        leave(call.fn_id);
        --in_hand_;
        co_return;
    }
    deps_.events.publish({call.id, call.fn_id, CallStatus::running, call.attempt});
    // Calls that share containers share a lane, so that a slot changes hands without a wake-up
    // across threads.
    const auto lane = deps_.lanes.at(std::hash<std::string>{}(call.fn_id) % deps_.lanes.size());
    spawn(lane, "claimer.run", run(std::move(claimed), std::move(worker_id), std::move(*pass)));
}

Task<> Claimer::run(ClaimedCall claimed, std::string worker_id, Gate::Pass) {
    const auto fn_id = claimed.call.fn_id;
    co_await deps_.runner.run(std::move(claimed), std::move(worker_id));
    leave(fn_id);
    --in_hand_;
    refresh();
}

}  // namespace stoker
