#include "worker/claimer.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <ranges>
#include <utility>

#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {
constexpr Millis retry_pause{1'000};
/// Calls of one function that are claimed beyond what it can use, so that the next one is there
/// when one ends; and how many of them are left when more are pulled.
constexpr std::size_t beyond_bound_max = 8;
constexpr std::size_t beyond_bound_low = 4;
/// Until calls of functions that have enough here are looked at again, unless one ends before.
constexpr Millis bound_pause{100};
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
        "Deliveries left to later or to others because the function has enough calls here"
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
    // Whoever comes while another is at it leaves it to that one: an older answer must not replace
    // a newer one.
    if (refreshes_.fetch_add(1) > 0) return;
    for (auto seen = refreshes_.load();;) {
        grant();
        if (refreshes_.compare_exchange_strong(seen, 0)) return;
    }
}

void Claimer::grant() {
    if (paused_ || stopped_ || holding_back_) return;
    if (!deps_.live.is_owning()) {
        // What was granted before must not outlive the gate, either.
        deps_.queue.credit(0);
        return;
    }
    const auto gate = pull_credit(
        deps_.memory.total_mb(), deps_.slots.busy_mb(), deps_.live.smallest_mb(), pull_max_
    );
    // Calls that are here and do not execute yet hold no memory, but count: else an open gate would
    // pull without end while they wait for their slots. Those that wait for something else than
    // memory are few of each function, and must not keep other functions from being served.
    const auto held_up = static_cast<std::int64_t>(deps_.slots.counts().waiting_held_up);
    const auto waiting = in_hand_ - deps_.live.executing() - held_up;
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
    deliveries = within_bounds(std::move(deliveries));
    if (deliveries.empty()) return;
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

std::vector<Delivery> Claimer::within_bounds(std::vector<Delivery> deliveries) {
    std::vector<Delivery> taken;
    std::vector<Delivery> refused;
    taken.reserve(deliveries.size());
    for (auto& delivery : deliveries) {
        const auto& fn_id = delivery.message().fn_id;
        const auto bound = deps_.slots.use_bound(fn_id);
        const bool entered = enter(fn_id, bound ? *bound + beyond_bound_max : SIZE_MAX);
        (entered ? taken : refused).push_back(std::move(delivery));
    }
    limited_.add(refused.size());
    // With nothing else to do they wait in the queue for a call to end; else they would come again
    // at once.
    if (taken.empty()) hold_back();
    const auto after = taken.empty() ? Millis{0} : bound_pause;
    // Each goes before the others of its function: backwards, so that they keep their order.
    for (auto& delivery : refused | std::views::reverse) std::move(delivery).release(after);
    return taken;
}

/// One more call of the function is here, unless there are that many.
bool Claimer::enter(const std::string& fn_id, std::size_t at_most) {
    const std::scoped_lock lock(mutex_);
    auto& in_hand = in_hand_by_fn_[fn_id];
    const bool has_room = in_hand.calls < at_most;
    in_hand.refused |= !has_room;
    if (has_room) ++in_hand.calls;
    return has_room;
}

void Claimer::hold_back() {
    holding_back_ = true;
    deps_.queue.credit(0);
    if (resuming_.exchange(true)) return;
    spawn(running_, deps_.lanes.at(0), "claimer.resume_later", resume_later());
}

Task<> Claimer::resume_later() {
    co_await sleep_for(bound_pause);
    resuming_ = false;
    holding_back_ = false;
    refresh();
}

/// A call of the function is here no longer.
void Claimer::leave(const std::string& fn_id) {
    const auto bound = deps_.slots.use_bound(fn_id);
    const std::scoped_lock lock(mutex_);
    const auto found = in_hand_by_fn_.find(fn_id);
    auto& in_hand = found->second;
    --in_hand.calls;
    const bool has_room = !bound || in_hand.calls <= *bound + beyond_bound_low;
    if (has_room && std::exchange(in_hand.refused, false)) holding_back_ = false;
    if (in_hand.calls == 0) in_hand_by_fn_.erase(found);
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
