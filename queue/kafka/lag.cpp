#include "queue/kafka/lag.hpp"

#include <algorithm>
#include <limits>

namespace stoker::kafka {

void Lag::put(Partition partition, std::int64_t offset, const std::string& fn_id) {
    const std::scoped_lock lock(mutex_);
    auto& state = states_[partition];
    state.end = std::max(state.end, offset + 1);
    state.changed_at = ++clock_;
    // Delivered and acked before the cluster's answer to the put was here.
    if (offset < state.done()) return;
    const auto of_fn = of_fns_.try_emplace(fn_id, 0).first;
    ++of_fn->second;
    state.puts.push_back({offset, of_fn});
}

void Lag::settled(Partition partition, std::int64_t watermark, std::int64_t done_above) {
    const std::scoped_lock lock(mutex_);
    auto& state = states_[partition];
    state.watermark = watermark;
    state.done_above = done_above;
    state.changed_at = ++clock_;
    state.end = std::max(state.end, watermark + done_above);
    forget(state, watermark);
}

void Lag::revoked() {
    const std::scoped_lock lock(mutex_);
    for (auto& [partition, state] : states_) {
        state.committed = std::max(state.committed, state.watermark.value_or(0));
        state.watermark.reset();
        state.done_above = 0;
    }
}

std::uint64_t Lag::now() const {
    const std::scoped_lock lock(mutex_);
    return clock_;
}

void Lag::learn(
    Partition partition, std::int64_t end, std::int64_t committed, std::uint64_t asked_at
) {
    const std::scoped_lock lock(mutex_);
    auto& state = states_[partition];
    const bool is_recent = state.changed_at <= asked_at;
    if (is_recent && end < state.watermark.value_or(0) + state.done_above) {
        // The topic was made anew: nothing of what we knew is there.
        state.watermark.reset();
        state.done_above = 0;
        forget(state, std::numeric_limits<std::int64_t>::max());
    }
    state.end = is_recent ? end : std::max(state.end, end);
    state.committed = committed;
    forget(state, state.done());
}

/// Mutex held.
void Lag::forget(State& state, std::int64_t before) {
    while (!state.puts.empty() && state.puts.front().offset < before) {
        const auto of_fn = state.puts.front().of_fn;
        if (--of_fn->second == 0) of_fns_.erase(of_fn);
        state.puts.pop_front();
    }
}

std::uint64_t Lag::all() const {
    const std::scoped_lock lock(mutex_);
    std::int64_t all = 0;
    for (const auto& [partition, state] : states_) {
        all += std::max<std::int64_t>(0, state.end - state.done() - state.done_above);
    }
    return static_cast<std::uint64_t>(all);
}

std::uint64_t Lag::of(std::string_view fn_id) const {
    const std::scoped_lock lock(mutex_);
    const auto found = of_fns_.find(fn_id);
    return found == of_fns_.end() ? 0 : found->second;
}

}  // namespace stoker::kafka
