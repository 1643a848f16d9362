#pragma once

// The calls this worker owns right now: what each is doing, its log so far, and whether a user
// wants it stopped. Attempts that end quickly are only written at their end; for the others a
// reporter writes phase, start and log pieces from here. Thread-safe.

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "datastore/datastore.hpp"
#include "model/fn_spec.hpp"
#include "worker/call_log.hpp"
#include "worker/container.hpp"

namespace stoker {

/// Until when the calls of one worker id are ours: a call that waits for its slot must not begin
/// after that, for somebody else may run it. One that runs already goes on; fencing decides.
class Tenure {
public:
    explicit Tenure(std::string worker_id) : worker_id_(std::move(worker_id)) {}
    const std::string& worker_id() const { return worker_id_; }
    void extend(Deadline until) { until_ = until.time_since_epoch().count(); }
    void end() { until_ = 0; }
    bool holds() const { return !has_passed(Deadline(Deadline::duration(until_.load()))); }

private:
    const std::string worker_id_;
    std::atomic<Deadline::rep> until_{0};
};
using TenureRef = std::shared_ptr<Tenure>;

/// How many live calls are in a container; shared by all of them.
using ExecutingCount = std::shared_ptr<std::atomic<std::int64_t>>;

/// What a call that has no container yet waits for.
struct Waiting {
    CallPhase phase = CallPhase::slot;
    std::string reason;  ///< for people; may be empty
};

struct LiveCall {
    LiveCall(
        Fence its_fence,
        FnSpecRef its_fn,
        std::size_t log_bytes_max,
        std::optional<WallTime> starts_before,
        TenureRef tenure,
        ExecutingCount executing
    ) :
        fence(std::move(its_fence)),
        fn(std::move(its_fn)),
        log(std::make_shared<CallLog>(log_bytes_max)),
        starts_before_(starts_before),
        tenure_(std::move(tenure)),
        executing_count_(std::move(executing)) {}

    const Fence fence;
    const FnSpecRef fn;
    const std::shared_ptr<CallLog> log;
    std::atomic<bool> cancelled{false};
    std::atomic<bool> interrupted{false};  ///< we killed its container: no fault of the function

    /// Its request goes to this container now. False when it must not: it was cancelled or expired
    /// while it waited, or is not ours any more.
    bool begin(ContainerRef container, WallTime at);
    void left_container();
    std::optional<WallTime> started_at() const;
    /// What it used there, if that was measured.
    void used(std::optional<CallStats> stats);
    std::optional<CallStats> stats() const;
    /// The container it executes in, if it does.
    ContainerRef container() const;

private:
    friend class LiveCalls;
    const std::optional<WallTime> starts_before_;
    const TenureRef tenure_;
    const ExecutingCount executing_count_;
    mutable std::mutex mutex_;
    ContainerRef container_;
    std::optional<WallTime> started_at_;
    std::optional<CallStats> stats_;
    CallPhase reported_ = CallPhase::slot;
    std::string reported_reason_;
    std::chrono::steady_clock::time_point reason_reported_at_;
    bool reported_start_ = false;
};

using LiveCallRef = std::shared_ptr<LiveCall>;

class LiveCalls {
public:
    /// The lease of this worker id lasts until then.
    void own(const std::string& worker_id, Deadline until);
    /// The lease is lost.
    void disown();
    /// Calls that are claimed now would be ours.
    bool is_owning() const {
        const std::scoped_lock lock(mutex_);
        return tenure_->holds();
    }

    LiveCallRef add(
        Fence fence,
        FnSpecRef fn,
        std::size_t log_bytes_max,
        std::optional<WallTime> starts_before = {}
    );
    /// The call has ended. What its function still prints until the container takes its next call
    /// is reported all the same.
    void remove(const LiveCallRef& call);
    std::size_t size() const;
    std::int64_t executing() const { return executing_->load(std::memory_order_relaxed); }
    /// Null when this worker does not have it.
    LiveCallRef find(const std::string& call_id) const;

    /// Memory of the smallest function among them, in MB; 128 when there is none.
    std::int64_t smallest_mb() const;

    /// What changed since the last report. `waiting_of` is asked about calls without a container.
    using WaitingOf = std::function<Waiting(const std::string& slot_key, const std::string& image)>;
    std::vector<CallProgress> changes(const WaitingOf& waiting_of);

private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, LiveCallRef> calls_;
    TenureRef tenure_ = std::make_shared<Tenure>(std::string());
    std::vector<LiveCallRef> ended_;  // their logs may still grow
    std::map<std::uint64_t, std::size_t>
        sizes_mb_;  // of the functions of calls_, each with a count
    const ExecutingCount executing_ = std::make_shared<std::atomic<std::int64_t>>(0);
};

}  // namespace stoker
