#pragma once

// The steps that move many calls at once: T2 when delayed calls are due, worker leases and what T6
// does when they end, and the cancelling of what waits for a deleted fn. Private to
// datastore/sqlite; on the writer's thread.

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <string>
#include <vector>

#include "datastore/datastore.hpp"
#include "datastore/sqlite/call_counter.hpp"
#include "datastore/sqlite/query.hpp"

namespace stoker::sqlite {

class CallSweeps {
public:
    CallSweeps(SQLite::Database& db, CountChange& counts);

    /// Conflict when this incarnation was declared dead.
    Result<void> register_worker(
        const std::string& worker_id, const std::string& host, WallTime lease_until
    );
    Heartbeat heartbeat(const std::string& worker_id, WallTime lease_until);
    /// `profile` is a JSON object.
    void describe_worker(const std::string& worker_id, const std::string& profile);
    /// Those whose lease has not ended by then.
    std::vector<KnownWorker> list_workers(WallTime now);
    void remove_worker(const std::string& worker_id);

    /// Leases that ended before `dead_before` are those of dead workers.
    std::vector<MovedCall> sweep_lost(WallTime dead_before, WallTime now);
    std::vector<MovedCall> recover_all(WallTime now);

    DueStep release_due(int items_max, WallTime now);
    std::vector<MovedCall> expire(int items_max, WallTime now);

    void hold(const std::string& fn_id);
    void free_held(const std::string& fn_id);

    std::vector<MovedCall> cancel_waiting_of_fn(const std::string& fn_id, WallTime now);
    /// While the app's fns still exist.
    std::vector<MovedCall> cancel_waiting_of_app(const std::string& app_id, WallTime now);

private:
    std::vector<MovedCall> move_lost(WallTime now);
    std::vector<MovedCall> cancel_waiting(
        SQLite::Statement& queued, SQLite::Statement& delayed, const std::string& id, WallTime now
    );
    void take_moved(Query& step, CallStatus from, std::vector<MovedCall>& moved);

    CountChange& counts_;
    SQLite::Statement register_;
    SQLite::Statement renew_;
    SQLite::Statement list_wishes_;
    SQLite::Statement describe_;
    SQLite::Statement list_;
    SQLite::Statement remove_;
    SQLite::Statement declare_dead_;
    SQLite::Statement forget_dead_;
    SQLite::Statement forget_all_;
    SQLite::Statement move_lost_;
    SQLite::Statement release_due_;
    SQLite::Statement next_due_;
    SQLite::Statement hold_;
    SQLite::Statement free_held_;
    SQLite::Statement list_expired_;
    SQLite::Statement expire_;
    SQLite::Statement cancel_queued_of_fn_;
    SQLite::Statement cancel_delayed_of_fn_;
    SQLite::Statement cancel_queued_of_app_;
    SQLite::Statement cancel_delayed_of_app_;
};

}  // namespace stoker::sqlite
