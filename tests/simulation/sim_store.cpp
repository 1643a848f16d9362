#include "tests/simulation/sim_store.hpp"

#include <algorithm>

namespace stoker::test {

namespace {

CallEnd end_for(Errc code) { return end_of({.code = code, .message = {}, .detail = {}}); }

}  // namespace

void SimStore::move(Row& row, CallStatus to, std::string_view by) {
    history_.moved(row.call.id, row.call.status, to, by);
    row.call.status = to;
}

void SimStore::queue(Row& row, std::string_view by) {
    row.dispatched_at.reset();
    if (!paused_.contains(row.call.fn_id)) row.dispatched_at = wall_now();
    move(row, CallStatus::queued, by);
}

void SimStore::pause(const std::string& fn_id) {
    history_.note("paused", fn_id);
    paused_.insert(fn_id);
    for (auto& [id, row] : rows_) {
        const bool waits = row.call.status == CallStatus::queued && row.call.fn_id == fn_id;
        if (waits) row.dispatched_at.reset();
        if (waits) history_.reached("held");
    }
}

void SimStore::resume(const std::string& fn_id) {
    history_.note("resumed", fn_id);
    paused_.erase(fn_id);
    for (auto& [id, row] : rows_) {
        if (row.call.fn_id == fn_id && !row.dispatched_at) row.dispatched_at = from_ms(0);
    }
}

MovedCall SimStore::moved_call(const Row& row) {
    const Call& call = row.call;
    return {call.id, call.fn_id, call.status, call.attempt, call.priority};
}

Result<std::string> SimStore::take_key(const NewCall& accepted) {
    const auto& [key, digest, lifetime] = *accepted.idempotency;
    const auto now = wall_now();
    auto& held = keys_[accepted.call.fn_id + "/" + key];
    if (held.call_id.empty() || held.expires_at <= now || mutation_ == Mutation::no_keys) {
        held = {accepted.call.id, digest, now + lifetime};
    }
    if (held.digest != digest) return fail(Errc::idempotency_mismatch);
    if (held.call_id != accepted.call.id) history_.reached("replayed");
    return held.call_id;
}

Result<std::string> SimStore::accept(const NewCall& accepted) {
    const Call& call = accepted.call;
    if (accepted.idempotency) {
        const auto holder = take_key(accepted);
        if (!holder || *holder != call.id) return holder;
    }
    if (rows_.contains(call.id)) return call.id;
    Row row;
    row.call = call;
    row.request = accepted.request;
    if (!paused_.contains(call.fn_id)) row.dispatched_at = wall_now();
    rows_.emplace(call.id, std::move(row));
    history_.stored(call.id, call.max_attempts);
    return call.id;
}

int SimStore::forget_keys(int items_max) {
    const auto now = wall_now();
    int forgotten = 0;
    std::erase_if(keys_, [&](const auto& entry) {
        return entry.second.expires_at <= now && forgotten++ < items_max;
    });
    return forgotten;
}

DueStep SimStore::release_due(int items_max) {
    DueStep step;
    const auto now = wall_now();
    std::vector<Row*> delayed;
    for (auto& [id, row] : rows_) {
        if (row.call.status == CallStatus::delayed) delayed.push_back(&row);
    }
    std::ranges::sort(delayed, {}, [](const Row* row) {
        return std::pair(*row->call.run_at, std::string_view(row->call.id));
    });
    for (auto* row : delayed) {
        const bool is_due = *row->call.run_at <= now || mutation_ == Mutation::early_due;
        if (!is_due || std::cmp_equal(step.due.size(), items_max)) {
            step.next_in = *row->call.run_at - now;
            break;
        }
        queue(*row, "due");
        history_.reached("due");
        step.due.push_back(moved_call(*row));
    }
    return step;
}

std::vector<ClaimedCall> SimStore::claim(
    const std::string& worker, const std::vector<std::string>& ids
) {
    std::vector<ClaimedCall> claimed;
    for (const auto& id : ids) {
        const auto found = rows_.find(id);
        if (found == rows_.end() || found->second.call.status != CallStatus::queued) continue;
        Row& row = found->second;
        if (!row.dispatched_at && mutation_ != Mutation::no_hold) continue;
        history_.claimed(id, row.call.fn_id);
        ++row.call.attempt;
        row.owner = worker;
        move(row, CallStatus::running, worker);
        claimed.push_back({row.call, row.request, fns_.at(row.call.fn_id)});
        if (mutation_ == Mutation::hidden_expiry) claimed.back().call.expires_at.reset();
        if (mutation_ == Mutation::endless_retry) claimed.back().call.max_attempts = 1'000;
    }
    return claimed;
}

bool SimStore::may_write(const Row& row, const Fence& fence) const {
    if (mutation_ == Mutation::no_status_check) return true;
    if (row.call.status != CallStatus::running) return false;
    if (mutation_ == Mutation::no_fence) return true;
    return row.owner == fence.owner && row.call.attempt == fence.attempt;
}

bool SimStore::finish(const FinishedCall& finished) {
    const Fence& fence = finished.fence;
    Row& row = rows_.at(fence.call_id);
    if (!may_write(row, fence)) {
        // Our own write whose answer was lost is no loss.
        const bool is_ours = row.owner == fence.owner && row.log_attempt == fence.attempt &&
                             row.call.status == finished.end.status;
        if (!is_ours) history_.reached("fenced finish");
        return is_ours;
    }
    history_.passed_fence(fence, holder_of(row));
    row.log_attempt = row.call.attempt;
    row.call.error_code = finished.end.error_code;
    move(row, finished.end.status, fence.owner);
    return true;
}

bool SimStore::retry(const FinishedCall& attempt, Millis after) {
    const Fence& fence = attempt.fence;
    Row& row = rows_.at(fence.call_id);
    if (!may_write(row, fence)) {
        return row.owner == fence.owner && row.call.attempt == fence.attempt &&
               row.call.status != CallStatus::running;
    }
    history_.passed_fence(fence, holder_of(row));
    row.call.run_at = wall_now() + after;
    row.call.error_code = attempt.end.error_code;
    history_.reached(row.cancel_requested ? "cancelled instead of retried" : "retried");
    move(row, row.cancel_requested ? CallStatus::cancelled : CallStatus::delayed, fence.owner);
    return true;
}

bool SimStore::hand_back(const Fence& fence, HandBack how) {
    Row& row = rows_.at(fence.call_id);
    const bool is_holder = row.owner == fence.owner && row.call.attempt == fence.attempt;
    if (row.call.status != CallStatus::running || !is_holder) {
        return row.call.status == CallStatus::queued && is_holder;
    }
    history_.handed_back(fence);
    if (how == HandBack::uncounted) ++row.call.max_attempts;
    if (row.cancel_requested) {
        move(row, CallStatus::cancelled, fence.owner);
    } else {
        queue(row, fence.owner);
    }
    return true;
}

Result<Call> SimStore::cancel(const std::string& call_id) {
    const auto found = rows_.find(call_id);
    if (found == rows_.end()) return fail(Errc::call_not_found);
    Row& row = found->second;
    if (is_terminal(row.call.status)) return row.call;
    row.cancel_requested = true;
    if (row.call.status != CallStatus::running) move(row, CallStatus::cancelled, "cancel");
    return row.call;
}

std::vector<MovedCall> SimStore::list_queued(const std::string& after, int items_max) const {
    std::vector<MovedCall> queued;
    for (auto at = rows_.upper_bound(after); at != rows_.end(); ++at) {
        if (at->second.call.status != CallStatus::queued || !at->second.dispatched_at) continue;
        if (std::cmp_equal(queued.size(), items_max)) break;
        queued.push_back(moved_call(at->second));
    }
    return queued;
}

RedispatchStep SimStore::redispatch(
    const std::string& after, int items_max, const DeliveredBefore& delivered, Millis slack
) {
    RedispatchStep step;
    if (mutation_ == Mutation::no_redispatch) return step;
    const auto now = wall_now();
    for (auto at = rows_.upper_bound(after); at != rows_.end(); ++at) {
        Row& row = at->second;
        if (row.call.status != CallStatus::queued || !row.dispatched_at) continue;
        if (items_max-- == 0) break;
        step.seen_to = row.call.id;
        const auto before = delivered.of(row.call.fn_id, row.call.priority, now) - slack;
        if (*row.dispatched_at >= before) continue;
        row.dispatched_at = now;
        history_.note("redispatched", row.call.id);
        history_.reached("redispatch");
        step.lost.push_back(moved_call(row));
    }
    if (items_max >= 0) step.seen_to.clear();
    return step;
}

std::vector<MovedCall> SimStore::expire(int items_max) {
    std::vector<MovedCall> expired;
    for (auto& [id, row] : rows_) {
        const auto status = row.call.status;
        const bool waits = status == CallStatus::queued || status == CallStatus::delayed;
        if (!waits || !row.call.has_expired(wall_now())) continue;
        if (std::cmp_equal(expired.size(), items_max)) break;
        row.call.error_code = end_for(Errc::expired).error_code;
        move(row, CallStatus::timeout, "expiry");
        history_.reached("expired");
        expired.push_back(moved_call(row));
    }
    return expired;
}

CallCounts SimStore::counts() const {
    CallCounts counts;
    for (const auto& [id, row] : rows_) {
        counts.delayed += row.call.status == CallStatus::delayed ? 1 : 0;
        counts.queued += row.call.status == CallStatus::queued ? 1 : 0;
        counts.running += row.call.status == CallStatus::running ? 1 : 0;
    }
    return counts;
}

Result<void> SimStore::register_worker(const std::string& worker, Millis lease) {
    auto& row = workers_[worker];
    if (row.dead) return fail(Errc::conflict);
    row.lease_until = wall_now() + lease;
    return {};
}

Heartbeat SimStore::heartbeat(const std::string& worker, Millis lease) {
    const auto found = workers_.find(worker);
    if (found == workers_.end() || found->second.dead) return {};
    found->second.lease_until = wall_now() + lease;
    Heartbeat heartbeat{.alive = true, .cancel_calls = {}};
    for (const auto& [id, row] : rows_) {
        const bool is_wanted = row.call.status == CallStatus::running && row.cancel_requested;
        if (is_wanted && row.owner == worker) heartbeat.cancel_calls.push_back(id);
    }
    return heartbeat;
}

std::vector<MovedCall> SimStore::sweep_lost(Millis grace) {
    for (auto& [id, worker] : workers_) {
        if (worker.dead || worker.lease_until >= wall_now() - grace) continue;
        worker.dead = true;
        history_.note("declared dead", id);
    }
    return move_lost();
}

std::vector<MovedCall> SimStore::recover_all() {
    workers_.clear();
    return move_lost();
}

std::vector<MovedCall> SimStore::move_lost() {
    std::vector<MovedCall> moved;
    for (auto& [id, row] : rows_) {
        if (row.call.status != CallStatus::running) continue;
        const auto owner = workers_.find(row.owner);
        if (owner != workers_.end() && !owner->second.dead) continue;
        if (row.cancel_requested) {
            move(row, CallStatus::cancelled, "sweep");
        } else if (row.call.attempt >= row.call.max_attempts) {
            row.call.error_code = end_for(Errc::worker_lost).error_code;
            move(row, CallStatus::error, "sweep");
            history_.reached("worker_lost end");
        } else {
            row.owner.clear();
            queue(row, "sweep");
            history_.reached("requeued after a loss");
        }
        moved.push_back(moved_call(row));
    }
    return moved;
}

bool SimStore::holds(const Fence& fence) const {
    const Row& row = rows_.at(fence.call_id);
    return row.call.status == CallStatus::running && row.owner == fence.owner &&
           row.call.attempt == fence.attempt;
}

bool SimStore::is_time(const std::string& call_id) const {
    const Call& call = rows_.at(call_id).call;
    return (!call.run_at || *call.run_at <= wall_now()) && !call.has_expired(wall_now());
}

bool SimStore::is_quiet() const {
    return std::ranges::all_of(rows_, [](const auto& entry) {
        return is_terminal(entry.second.call.status);
    });
}

void SimStore::report_ends() const {
    for (const auto& [id, row] : rows_) history_.ended(id, row.call.status);
}

}  // namespace stoker::test
