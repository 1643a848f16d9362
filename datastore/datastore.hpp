#pragma once

// The ledger: apps, fns, calls with their requests, responses and logs, and the workers. The row of
// a call is the call. Every transition of a call is one compare-and-set (named T1, T3, … as in
// docs/calls.md); the attempt number a claim issues is the fencing token of all later writes.
//
// Every method may be called on any lane, resumes there, and ends by its own deadline (5 s) with
// Errc::store_unavailable; for writes that then means "unknown", and all of them can be repeated
// with the same arguments. Calls and logs are only reached through a Scope.

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/task.hpp"
#include "model/app.hpp"
#include "model/call.hpp"
#include "model/error.hpp"
#include "model/fn.hpp"
#include "model/fn_spec.hpp"
#include "model/scope.hpp"
#include "model/worker_profile.hpp"

namespace stoker {

struct Page {
    std::string after;   ///< exclusive; empty starts at the beginning
    int items_max = 30;  ///< 1..100
};

struct AppFilter {
    std::string name;  ///< exact, empty for all
};

struct FnFilter {
    std::string app_id;
    std::string name;  ///< exact, empty for all
};

struct CallFilter {
    std::optional<WallTime> created_after;   ///< exclusive
    std::optional<WallTime> created_before;  ///< exclusive
    std::optional<CallStatus> status;
    bool only_dead = false;  ///< those that is_dead()
    std::string error_code;  ///< exact, empty for all
};

/// By which a caller can repeat an accept; kept per fn, for so long.
struct IdempotencyKey {
    std::string key;
    std::string digest;  ///< equal for the same request only
    Millis lifetime{};
};

struct NewCall {
    Call call;  ///< its status is queued, or delayed with a run_at
    CallRequest request;
    std::optional<IdempotencyKey> idempotency{};
};

/// A call this worker now owns, with all that running it needs.
struct ClaimedCall {
    Call call;
    CallRequest request;
    FnSpecRef fn;  ///< null when the fn or app was deleted meanwhile
};

/// Names one execution; a write that carries it changes nothing once the call has moved on.
struct Fence {
    std::string call_id;
    std::string owner;
    int attempt = 0;
};

struct FinishedCall {
    Fence fence;
    CallEnd end;
    std::optional<WallTime> started_at;
    std::optional<CallResponse> response;
    std::vector<LogChunk> logs;  ///< the last chunks
    std::optional<CallStats> stats{};
};

/// What a long attempt is doing; written when it is worth a row update.
struct CallProgress {
    Fence fence;
    CallPhase phase = CallPhase::slot;
    std::optional<WallTime> started_at;
    std::vector<LogChunk> logs;
    std::string waiting_for{};
};

/// Whether an attempt that is handed back counts against max_attempts.
enum class HandBack : std::uint8_t { uncounted, counted };

struct Heartbeat {
    bool alive = false;  ///< false: declared dead; a new incarnation must register
    std::vector<std::string> cancel_calls;  ///< running calls of this worker that a user cancelled
};

/// A call that a sweep moved, for events and for putting it again.
struct MovedCall {
    std::string id;
    std::string fn_id;
    CallStatus status = CallStatus::queued;
    int attempt = 0;
    int priority = 0;
};

/// What the queue has delivered: everything that was put before these times. A queue that serves
/// its functions in turn names those that hold the times of the priorities back.
struct DeliveredBefore {
    std::array<WallTime, 3> of_priority{};
    std::map<std::string, WallTime, std::less<>> of_lagging_fn;

    WallTime of(std::string_view fn_id, int priority, WallTime now) const {
        if (of_lagging_fn.empty()) {
            const auto at = static_cast<std::size_t>(std::clamp(priority, 0, 2));
            return std::min(of_priority.at(at), now);
        }
        const auto found = of_lagging_fn.find(fn_id);
        return found == of_lagging_fn.end() ? now : std::min(found->second, now);
    }
};

/// One step of a walk over the waiting calls.
struct RedispatchStep {
    std::vector<MovedCall> lost;  ///< to be put again
    std::string seen_to;          ///< where the next step goes on; empty at the end
};

/// What T2 did, and when there will be more to do.
struct DueStep {
    std::vector<MovedCall> due;     ///< queued now, to be put; the first due first
    std::optional<Millis> next_in;  ///< until the next delayed call is due; past due if negative
};

struct CallCounts {
    std::uint64_t delayed = 0;
    std::uint64_t queued = 0;
    std::uint64_t running = 0;
};

class ScheduleStore;

class Datastore {
public:
    virtual ~Datastore() = default;

    // Apps. By name ascending; Page::after is a name.
    virtual Task<Result<std::vector<App>>> list_apps(AppFilter filter, Page page) = 0;
    virtual Task<Result<App>> get_app(std::string id) = 0;
    virtual Task<Result<App>> insert_app(App app) = 0;  ///< conflict: `App already exists`
    virtual Task<Result<App>> update_app(std::string id, AppPatch patch) = 0;
    /// With its fns and their schedules; their waiting calls are cancelled, ended ones stay. The
    /// cancelled calls.
    virtual Task<Result<std::vector<MovedCall>>> delete_app(std::string id) = 0;

    // Fns. By name ascending within an app; Page::after is a name.
    virtual Task<Result<std::vector<Fn>>> list_fns(FnFilter filter, Page page) = 0;
    virtual Task<Result<Fn>> get_fn(std::string id) = 0;
    virtual Task<Result<Fn>> insert_fn(Fn fn) = 0;
    virtual Task<Result<Fn>> update_fn(std::string id, FnPatch patch) = 0;
    /// With its schedules.
    virtual Task<Result<std::vector<MovedCall>>> delete_fn(std::string id) = 0;
    /// From now on its calls are held: accepted, but neither claimed nor listed to be put, whatever
    /// step queues them. Those that run go on.
    virtual Task<Result<Fn>> pause_fn(std::string id) = 0;
    /// Its held calls have to be put: the next redispatches do.
    virtual Task<Result<Fn>> resume_fn(std::string id) = 0;
    /// Its waiting and delayed calls are cancelled.
    virtual Task<Result<std::vector<MovedCall>>> purge_fn(std::string id) = 0;
    /// Those with a min_idle, as a call now would run them.
    virtual Task<Result<std::vector<FnSpecRef>>> list_warm_fns() = 0;

    // Schedules: datastore/schedule_store.hpp.
    virtual ScheduleStore& schedules() = 0;

    // Calls.
    /// T1. Durable when it returns. The id of the call that stands: its own, or that of the call
    /// which was accepted first with the same idempotency key; then this one leaves nothing. An id
    /// that exists already is our own earlier try: success. fn_not_found when the fn is gone,
    /// idempotency_mismatch when the key is in use for another digest.
    virtual Task<Result<std::string>> accept(NewCall call) = 0;
    /// Deletes up to `items_max` idempotency keys whose time is over. How many.
    virtual Task<Result<int>> forget_keys(int items_max) = 0;
    /// T2. Delayed calls that are due, by the store's clock, are queued: the `items_max` that have
    /// been due for longest.
    virtual Task<Result<DueStep>> release_due(int items_max) = 0;
    /// T3. Those of the ids that were queued are now running, owned by the worker, attempt + 1.
    /// After an error none of them stays claimed for long: what a lost answer left claimed, the
    /// store hands back by itself.
    virtual Task<Result<std::vector<ClaimedCall>>> claim(
        std::string worker_id, std::vector<std::string> call_ids
    ) = 0;
    /// T4, with the response and the last log chunks in one transaction. False: fenced, nothing
    /// changed.
    virtual Task<Result<bool>> finish(FinishedCall finished) = 0;
    /// T5, as T4, but the attempt was not the last: running → delayed until so long from now. Who
    /// asks has looked whether another attempt is left. A call that was to be cancelled meanwhile
    /// is.
    virtual Task<Result<bool>> retry(FinishedCall attempt, Millis after) = 0;
    /// running → queued. A drain does not count as an attempt, a failed launch does; who hands back
    /// a counted one has looked whether another is left.
    virtual Task<Result<bool>> hand_back(Fence fence, HandBack how = HandBack::uncounted) = 0;
    /// Phase, start time and log chunks of attempts that take long. Fenced entries are skipped, but
    /// for log chunks that come after their attempt has ended.
    virtual Task<Result<void>> progress(std::vector<CallProgress> entries) = 0;
    /// T7. The call as it is afterwards: cancelled, or still running with the wish recorded.
    virtual Task<Result<Call>> cancel(Scope scope, std::string call_id) = 0;

    virtual Task<Result<Call>> get_call(Scope scope, std::string call_id) = 0;
    /// Newest first; Page::after is a call id.
    virtual Task<Result<std::vector<Call>>> list_calls(
        Scope scope, CallFilter filter, Page page
    ) = 0;
    /// What the caller sent, its body too. call_not_found.
    virtual Task<Result<CallRequest>> get_request(Scope scope, std::string call_id) = 0;
    /// Of the official attempt. call_response_not_found when it has none.
    virtual Task<Result<CallResponse>> get_response(Scope scope, std::string call_id) = 0;
    /// The chunks of the latest attempt from `from_seq` on. call_log_not_found for an unknown call.
    virtual Task<Result<std::vector<LogChunk>>> get_log(
        Scope scope, std::string call_id, std::int64_t from_seq
    ) = 0;
    /// Queued calls that are not held, in id order after `after_id`: how a queue is rebuilt.
    virtual Task<Result<std::vector<MovedCall>>> list_queued(
        std::string after_id, int items_max
    ) = 0;
    /// T8. Looks at the next `items_max` queued calls that are not held, in id order after
    /// `after_id`. Those put longer than `slack` before what the queue has delivered are lost in
    /// it: marked as put now, and given back.
    virtual Task<Result<RedispatchStep>> redispatch(
        std::string after_id, int items_max, DeliveredBefore delivered, Millis slack
    ) = 0;
    /// Ends up to `items_max` waiting or delayed calls that have expired, as `timeout`.
    virtual Task<Result<std::vector<MovedCall>>> expire(int items_max) = 0;
    virtual Task<Result<CallCounts>> count_calls() = 0;

    // Workers.
    virtual Task<Result<void>> register_worker(
        std::string worker_id, std::string host, Millis lease
    ) = 0;
    virtual Task<Result<Heartbeat>> heartbeat(std::string worker_id, Millis lease) = 0;
    /// What it says about itself; nothing happens to one that is not registered or dead.
    virtual Task<Result<void>> describe_worker(std::string worker_id, WorkerProfile profile) = 0;
    /// Those that are not dead, by id.
    virtual Task<Result<std::vector<KnownWorker>>> list_workers() = 0;
    virtual Task<Result<void>> remove_worker(std::string worker_id) = 0;
    /// T6. Workers past their lease and `grace` are dead; running calls without a live owner are
    /// queued again, or end as worker_lost when their attempts are used up.
    virtual Task<Result<std::vector<MovedCall>>> sweep_lost(Millis grace) = 0;
    /// T6 at start of the one process that owns the store: every registered worker is dead.
    virtual Task<Result<std::vector<MovedCall>>> recover_all() = 0;

    /// Why this store cannot do its work now; empty when it can.
    virtual std::string unhealthy_reason() const = 0;
    /// Whether new calls can be stored now: store_full or store_unavailable when not.
    virtual Result<void> admission() const {
        if (unhealthy_reason().empty()) return {};
        return fail(Errc::store_unavailable);
    }
    /// Commits what was submitted and closes. Not from a lane.
    virtual void close() = 0;
};

}  // namespace stoker
