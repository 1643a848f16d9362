#pragma once

// The steps that move many calls at once: T2 when delayed calls are due, what T6 does when a worker
// is lost, the end of those that have expired, the cancelling of what waits for an fn, the walk
// over the waiting calls (T8); and the workers. Sweeps of several processes pass over what another
// one is moving. Private to datastore/postgres.

#include <optional>
#include <string>
#include <vector>

#include "datastore/datastore.hpp"
#include "datastore/postgres/job.hpp"
#include "datastore/postgres/worker_beats.hpp"

namespace stoker::postgres {

/// A call and the time that it was found by: when it was last put into the queue, was due, expired.
struct DatedCall {
    MovedCall call;
    WallTime at{};
};
DatedCall read_dated(Row& row);
Beat read_beat(Row& row);
KnownWorker read_worker(Row& row);

class SweepSql {
public:
    static constexpr int moved_max = 1'000;  ///< calls that one move_lost() moves

    SweepSql();

    /// A row with the beat, none when this incarnation was declared dead.
    Step register_worker(const std::string& id, const std::string& host, Millis lease) const;
    /// The first answer as register_worker's, the second has the calls to be cancelled.
    std::vector<Step> heartbeat(const std::string& id, Millis lease) const;
    /// `profile` is a JSON object.
    Step describe_worker(const std::string& id, const std::string& profile) const;
    Step list_workers() const;
    Step remove_worker(const std::string& id) const;
    Step forget_workers() const;
    Step list_beats() const;
    /// Those of them that have not beaten since are dead.
    std::vector<Step> declare_dead(const std::vector<Beat>& silent, WallTime now) const;
    /// The rows are the calls moved; as many as moved_max when there may be more.
    Step move_lost(WallTime now) const;

    /// The rows are the calls moved, and when they were due; the second answer is when the next one
    /// is.
    std::vector<Step> release_due(int items_max, WallTime now) const;
    /// The rows are the calls ended, and when they expired.
    Step expire(int items_max, WallTime now) const;
    Step forget_keys(int items_max, WallTime now) const;

    /// The rows of both are the calls cancelled: what was delayed, then what was queued, so that
    /// none escapes that is due meanwhile. Up to so many of each; all without a number.
    std::vector<Step> cancel_waiting_of_fn(
        const std::string& fn_id, WallTime now, std::optional<int> items_max = {}
    ) const;
    std::vector<Step> cancel_waiting_of_app(const std::string& app_id, WallTime now) const;
    /// So that the next redispatches put them. As many rows as moved_max when there may be more.
    Step free_held(const std::string& fn_id) const;

    Step list_queued(const std::string& after_id, int items_max) const;
    Step list_waiting(const std::string& after_id, int items_max) const;
    /// The rows are those that waited since then, put by nobody else.
    Step mark_put(const std::vector<DatedCall>& calls, WallTime now) const;
    Step count_calls() const;

private:
    static std::vector<Step> cancel_waiting(
        const Statement& delayed,
        const Statement& queued,
        const std::string& id,
        WallTime now,
        std::optional<int> items_max
    );

    Statement register_, beat_, list_wishes_, describe_, list_workers_, remove_, forget_all_,
        list_beats_, declare_dead_, forget_dead_, move_lost_;
    Statement cancel_queued_of_fn_, cancel_delayed_of_fn_, cancel_queued_of_app_,
        cancel_delayed_of_app_;
    Statement list_queued_, list_waiting_, mark_put_, count_calls_;
    Statement release_due_, next_due_, expire_, free_held_, forget_keys_;
};

}  // namespace stoker::postgres
