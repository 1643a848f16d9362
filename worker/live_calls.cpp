#include "worker/live_calls.hpp"

#include <algorithm>

#include "worker/cold_call.hpp"

namespace stoker {

namespace {

constexpr std::chrono::seconds reason_interval{1};

}  // namespace

bool LiveCall::begin(ContainerRef container, WallTime at) {
    // Whoever cancels sets the flag first and looks for the container then: one of us sees the
    // other.
    const std::scoped_lock lock(mutex_);
    if (cancelled || !tenure_->holds() || (starts_before_ && at >= *starts_before_)) return false;
    container_ = std::move(container);
    started_at_ = at;
    executing_count_->fetch_add(1, std::memory_order_relaxed);
    return true;
}

void LiveCall::left_container() {
    const std::scoped_lock lock(mutex_);
    container_.reset();
    executing_count_->fetch_sub(1, std::memory_order_relaxed);
}

std::optional<WallTime> LiveCall::started_at() const {
    const std::scoped_lock lock(mutex_);
    return started_at_;
}

void LiveCall::used(std::optional<CallStats> stats) {
    const std::scoped_lock lock(mutex_);
    stats_ = stats;
}

std::optional<CallStats> LiveCall::stats() const {
    const std::scoped_lock lock(mutex_);
    return stats_;
}

ContainerRef LiveCall::container() const {
    const std::scoped_lock lock(mutex_);
    return container_;
}

void LiveCalls::own(const std::string& worker_id, Deadline until) {
    const std::scoped_lock lock(mutex_);
    if (tenure_->worker_id() != worker_id) {
        tenure_->end();
        tenure_ = std::make_shared<Tenure>(worker_id);
    }
    tenure_->extend(until);
}

void LiveCalls::disown() {
    const std::scoped_lock lock(mutex_);
    tenure_->end();
}

LiveCallRef LiveCalls::add(
    Fence fence, FnSpecRef fn, std::size_t log_bytes_max, std::optional<WallTime> starts_before
) {
    const std::scoped_lock lock(mutex_);
    // Claimed under an id that was lost meanwhile: not ours from the start.
    const bool is_ours = fence.owner == tenure_->worker_id();
    auto call = std::make_shared<LiveCall>(
        std::move(fence),
        std::move(fn),
        log_bytes_max,
        starts_before,
        is_ours ? tenure_ : std::make_shared<Tenure>(std::string()),
        executing_
    );
    calls_[call->fence.call_id] = call;
    ++sizes_mb_[call->fn->container_mb()];
    return call;
}

void LiveCalls::remove(const LiveCallRef& call) {
    const std::scoped_lock lock(mutex_);
    const auto found = calls_.find(call->fence.call_id);
    if (found != calls_.end() && found->second == call) calls_.erase(found);
    const auto size = sizes_mb_.find(call->fn->container_mb());
    if (--size->second == 0) sizes_mb_.erase(size);
    ended_.push_back(call);
}

std::size_t LiveCalls::size() const {
    const std::scoped_lock lock(mutex_);
    return calls_.size();
}

LiveCallRef LiveCalls::find(const std::string& call_id) const {
    const std::scoped_lock lock(mutex_);
    const auto found = calls_.find(call_id);
    return found == calls_.end() ? nullptr : found->second;
}

std::int64_t LiveCalls::smallest_mb() const {
    const std::scoped_lock lock(mutex_);
    return sizes_mb_.empty() ? 128 : static_cast<std::int64_t>(sizes_mb_.begin()->first);
}

std::vector<CallProgress> LiveCalls::changes(const WaitingOf& waiting_of) {
    std::vector<LiveCallRef> calls;
    std::vector<LiveCallRef> ended;
    {
        const std::scoped_lock lock(mutex_);
        calls.reserve(calls_.size());
        for (const auto& [id, call] : calls_) calls.push_back(call);
        ended = ended_;
        // A log that only its call still holds will not grow any more.
        std::erase_if(ended_, [](const auto& call) { return call->log.use_count() == 1; });
    }
    const auto now = std::chrono::steady_clock::now();
    std::vector<CallProgress> changes;
    for (const auto& call : ended) {
        if (!call->log->has_chunks()) continue;
        changes.push_back({call->fence, CallPhase::executing, call->started_at(), call->log->take()}
        );
    }
    for (const auto& call : calls) {
        const std::scoped_lock lock(call->mutex_);
        auto [phase, reason] =
            call->started_at_
                ? Waiting{CallPhase::executing, {}}
                : waiting_of(slot_key_of(*call->fn, call->fence.call_id), call->fn->image);
        // Reasons hold numbers that change all the time, and each is a write.
        const bool same_phase = phase == call->reported_;
        if (same_phase && now - call->reason_reported_at_ < reason_interval) {
            reason = call->reported_reason_;
        }
        if (reason != call->reported_reason_) call->reason_reported_at_ = now;
        const bool new_start = call->started_at_.has_value() && !call->reported_start_;
        const bool new_state = !same_phase || reason != call->reported_reason_;
        if (!new_state && !new_start && !call->log->has_chunks()) continue;
        call->reported_ = phase;
        call->reported_reason_ = reason;
        call->reported_start_ = call->started_at_.has_value();
        changes.push_back(
            {call->fence, phase, call->started_at_, call->log->take(), std::move(reason)}
        );
    }
    return changes;
}

}  // namespace stoker
