#pragma once

// A datastore in memory: the compare-and-set steps of docs/calls.md, each at one instant. It tells
// the history of every change. Mutations take away one of the checks that the protocol stands on.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "datastore/datastore.hpp"
#include "tests/simulation/history.hpp"
#include "tests/simulation/sim_random.hpp"

namespace stoker::test {

enum class Mutation : std::uint8_t {
    none,
    no_fence,         ///< an end is written whoever brings it
    no_status_check,  ///< and in whatever state the call is
    no_sweeper,
    no_redispatch,
    publish_first,  ///< the 202 and the message come before the row
    hidden_expiry,  ///< workers are not told that calls expire
    no_hold,        ///< calls of a paused function are claimed like others
    no_keys,        ///< idempotency keys are not looked at
    endless_retry,  ///< workers are told that there is always another attempt
    early_due,      ///< delayed calls are queued at the first look
    no_tenure,      ///< a worker begins calls without a look at its lease
    open_gate,      ///< it takes calls while its memory is busy
};

struct StoreFaults {
    bool is_down = false;
    double fail = 0;         ///< of statements: not run, and said so
    double lose_answer = 0;  ///< of statements: run, and nobody knows
    int slowness = 1;
};

class SimStore {
public:
    SimStore(History& history, SimRandom& random, Mutation mutation) :
        history_(history),
        random_(random),
        mutation_(mutation) {}

    StoreFaults faults;

    void add_fn(FnSpecRef fn) { fns_[fn->fn_id] = std::move(fn); }

    Result<std::string> accept(const NewCall& accepted);
    int forget_keys(int items_max);
    DueStep release_due(int items_max);
    std::vector<ClaimedCall> claim(const std::string& worker, const std::vector<std::string>& ids);
    bool finish(const FinishedCall& finished);
    bool retry(const FinishedCall& attempt, Millis after);
    bool hand_back(const Fence& fence, HandBack how);
    Result<Call> cancel(const std::string& call_id);
    std::vector<MovedCall> list_queued(const std::string& after, int items_max) const;
    RedispatchStep redispatch(
        const std::string& after, int items_max, const DeliveredBefore& delivered, Millis slack
    );
    std::vector<MovedCall> expire(int items_max);
    void pause(const std::string& fn_id);
    void resume(const std::string& fn_id);
    CallCounts counts() const;
    Result<void> register_worker(const std::string& worker, Millis lease);
    Heartbeat heartbeat(const std::string& worker, Millis lease);
    void remove_worker(const std::string& worker) { workers_.erase(worker); }
    std::vector<MovedCall> sweep_lost(Millis grace);
    std::vector<MovedCall> recover_all();

    bool has(const std::string& call_id) const { return rows_.contains(call_id); }
    bool holds(const Fence& fence) const;
    /// Neither too early nor too late for it to start.
    bool is_time(const std::string& call_id) const;
    bool is_quiet() const;
    /// Tells the history how every call ended.
    void report_ends() const;

    History& history() { return history_; }
    SimRandom& random() { return random_; }
    bool publishes_first() const { return mutation_ == Mutation::publish_first; }

private:
    struct Row {
        Call call;
        CallRequest request;
        std::string owner;
        std::optional<WallTime> dispatched_at;  ///< none: held
        bool cancel_requested = false;
        int log_attempt = 0;
    };
    struct KeyRow {
        std::string call_id;
        std::string digest;
        WallTime expires_at{};
    };
    struct WorkerRow {
        WallTime lease_until{};
        bool dead = false;
    };

    /// The call that holds the key now.
    Result<std::string> take_key(const NewCall& accepted);
    /// It is queued now, and will be put unless its function is paused.
    void queue(Row& row, std::string_view by);
    void move(Row& row, CallStatus to, std::string_view by);
    static MovedCall moved_call(const Row& row);
    static Fence holder_of(const Row& row) { return {row.call.id, row.owner, row.call.attempt}; }
    bool may_write(const Row& row, const Fence& fence) const;
    std::vector<MovedCall> move_lost();

    History& history_;
    SimRandom& random_;
    const Mutation mutation_;
    std::map<std::string, FnSpecRef> fns_;
    std::map<std::string, Row> rows_;
    std::map<std::string, WorkerRow> workers_;
    std::map<std::string, KeyRow> keys_;
    std::set<std::string> paused_;
};

}  // namespace stoker::test
