#include "datastore/sqlite/call_sweeps.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "datastore/sqlite/call_columns.hpp"

namespace stoker::sqlite {

namespace {

/// Dead workers stay visible to a late heartbeat for this long; an absent one is dead as well.
constexpr Millis dead_kept = std::chrono::hours(1);

CallEnd end_for(Errc code) { return end_of({.code = code, .message = {}, .detail = {}}); }

/// The index is named because the planner would rather walk every call the fn ever had.
std::string cancel_waiting_sql(
    std::string_view index, std::string_view status, std::string_view which
) {
    return fmt::format(
        "UPDATE calls INDEXED BY {} SET cancel_requested = 1, completed_at = ?2, error = ?3,"
        " error_code = ?4, status = 'cancelled' WHERE status = '{}' AND fn_id {} RETURNING {}",
        index,
        status,
        which,
        stored::moved_columns
    );
}

constexpr std::string_view of_fn = "= ?1";
constexpr std::string_view of_app = "IN (SELECT id FROM fns WHERE app_id = ?1)";

}  // namespace

CallSweeps::CallSweeps(SQLite::Database& db, CountChange& counts) :
    counts_(counts),
    register_(
        db,
        "INSERT INTO workers(id, host, lease_until) VALUES(?1, ?2, ?3)"
        " ON CONFLICT(id) DO UPDATE SET host = ?2, lease_until = ?3 WHERE dead = 0"
    ),
    renew_(db, "UPDATE workers SET lease_until = ?2 WHERE id = ?1 AND dead = 0"),
    list_wishes_(
        db,
        "SELECT id FROM calls INDEXED BY calls_owner"
        " WHERE status = 'running' AND owner = ?1 AND cancel_requested = 1"
    ),
    describe_(db, "UPDATE workers SET profile = ?2 WHERE id = ?1 AND dead = 0"),
    list_(
        db, "SELECT id, host, profile FROM workers WHERE dead = 0 AND lease_until >= ?1 ORDER BY id"
    ),
    remove_(db, "DELETE FROM workers WHERE id = ?1"),
    declare_dead_(db, "UPDATE workers SET dead = 1 WHERE dead = 0 AND lease_until < ?1"),
    forget_dead_(db, "DELETE FROM workers WHERE dead = 1 AND lease_until < ?1"),
    forget_all_(db, "DELETE FROM workers"),
    // The owner is wiped from what is queued again, so that a late hand-back is seen as fenced.
    move_lost_(
        db,
        fmt::format(
            "UPDATE calls INDEXED BY calls_owner SET dispatched_at = {}, waiting_for = NULL,"
            " (phase, owner, claimed_at, started_at, completed_at, error, error_code, status) ="
            " (SELECT CASE WHEN ended THEN phase END, CASE WHEN ended THEN owner END,"
            "  CASE WHEN ended THEN claimed_at END, CASE WHEN ended THEN started_at END,"
            "  CASE WHEN ended THEN ?1 END,"
            "  CASE WHEN cancel_requested THEN ?2 WHEN ended THEN ?4 END,"
            "  CASE WHEN cancel_requested THEN ?3 WHEN ended THEN ?5 END,"
            "  CASE WHEN cancel_requested THEN 'cancelled' WHEN ended THEN 'error'"
            "   ELSE 'queued' END"
            "  FROM (SELECT cancel_requested OR attempt >= max_attempts AS ended))"
            " WHERE status = 'running' AND owner NOT IN (SELECT id FROM workers WHERE dead = 0)"
            " RETURNING {}",
            put_unless_paused("?1"),
            stored::moved_columns
        )
    ),
    release_due_(
        db,
        fmt::format(
            "UPDATE calls SET dispatched_at = {}, status = 'queued' WHERE id IN"
            " (SELECT id FROM calls INDEXED BY calls_due WHERE status = 'delayed'"
            "  AND run_at <= ?1 ORDER BY run_at LIMIT ?2)"
            " RETURNING {}, run_at",
            put_unless_paused("?1"),
            stored::moved_columns
        )
    ),
    next_due_(db, "SELECT min(run_at) FROM calls INDEXED BY calls_due WHERE status = 'delayed'"),
    hold_(
        db,
        "UPDATE calls INDEXED BY calls_queued SET dispatched_at = NULL"
        " WHERE status = 'queued' AND fn_id = ?1"
    ),
    free_held_(
        db,
        "UPDATE calls INDEXED BY calls_queued SET dispatched_at = 0"
        " WHERE status = 'queued' AND fn_id = ?1 AND dispatched_at IS NULL"
    ),
    list_expired_(
        db,
        fmt::format(
            "SELECT {} FROM calls INDEXED BY calls_expiry"
            " WHERE status IN ('queued', 'delayed') AND expires_at IS NOT NULL"
            " AND expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
            stored::moved_columns
        )
    ),
    expire_(
        db,
        "UPDATE calls SET completed_at = ?2, error = ?3, error_code = ?4, status = ?5 WHERE id = ?1"
    ),
    cancel_queued_of_fn_(db, cancel_waiting_sql("calls_queued", "queued", of_fn)),
    cancel_delayed_of_fn_(db, cancel_waiting_sql("calls_due", "delayed", of_fn)),
    cancel_queued_of_app_(db, cancel_waiting_sql("calls_queued", "queued", of_app)),
    cancel_delayed_of_app_(db, cancel_waiting_sql("calls_due", "delayed", of_app)) {}

Result<void> CallSweeps::register_worker(
    const std::string& worker_id, const std::string& host, WallTime lease_until
) {
    if (change(register_, worker_id, host, lease_until) > 0) return {};
    return fail(Errc::conflict, "this worker was declared dead: register with a new id");
}

Heartbeat CallSweeps::heartbeat(const std::string& worker_id, WallTime lease_until) {
    Heartbeat heartbeat{.alive = change(renew_, worker_id, lease_until) > 0, .cancel_calls = {}};
    if (!heartbeat.alive) return heartbeat;
    Query wishes(list_wishes_, worker_id);
    while (wishes.next()) heartbeat.cancel_calls.push_back(wishes.text());
    return heartbeat;
}

void CallSweeps::describe_worker(const std::string& worker_id, const std::string& profile) {
    change(describe_, worker_id, profile);
}

std::vector<KnownWorker> CallSweeps::list_workers(WallTime now) {
    std::vector<KnownWorker> found;
    Query row(list_, now);
    while (row.next()) {
        KnownWorker worker{.id = row.text(), .host = row.text(), .profile = {}};
        worker.profile = worker_profile_from_text(row.optional_text().value_or(""));
        found.push_back(std::move(worker));
    }
    return found;
}

void CallSweeps::remove_worker(const std::string& worker_id) { change(remove_, worker_id); }

std::vector<MovedCall> CallSweeps::sweep_lost(WallTime dead_before, WallTime now) {
    change(declare_dead_, dead_before);
    change(forget_dead_, dead_before - dead_kept);
    return move_lost(now);
}

std::vector<MovedCall> CallSweeps::recover_all(WallTime now) {
    change(forget_all_);
    return move_lost(now);
}

std::vector<MovedCall> CallSweeps::move_lost(WallTime now) {
    const auto cancelled = end_for(Errc::cancelled);
    const auto lost = end_for(Errc::worker_lost);
    std::vector<MovedCall> moved;
    Query step(move_lost_, now, cancelled.error, cancelled.error_code, lost.error, lost.error_code);
    take_moved(step, CallStatus::running, moved);
    return moved;
}

DueStep CallSweeps::release_due(int items_max, WallTime now) {
    std::vector<std::pair<WallTime, MovedCall>> due;
    {
        Query step(release_due_, now, items_max);
        while (step.next()) {
            auto call = stored::read_moved(step);
            due.emplace_back(step.time(), std::move(call));
            counts_.left(CallStatus::delayed);
            counts_.entered(CallStatus::queued);
        }
    }
    // RETURNING has no order of its own.
    std::ranges::sort(due, {}, [](const auto& each) {
        return std::pair(each.first, std::string_view(each.second.id));
    });
    DueStep step;
    for (auto& [at, call] : due) step.due.push_back(std::move(call));
    Query next(next_due_);
    next.next();
    if (const auto at = next.optional_time()) step.next_in = *at - now;
    return step;
}

void CallSweeps::hold(const std::string& fn_id) { change(hold_, fn_id); }

void CallSweeps::free_held(const std::string& fn_id) { change(free_held_, fn_id); }

std::vector<MovedCall> CallSweeps::expire(int items_max, WallTime now) {
    std::vector<MovedCall> expired;
    {
        Query row(list_expired_, now, items_max);
        while (row.next()) expired.push_back(stored::read_moved(row));
    }
    const auto end = end_for(Errc::expired);
    for (auto& call : expired) {
        change(expire_, call.id, now, end.error, end.error_code, to_word(end.status));
        counts_.left(call.status);
        call.status = end.status;
        counts_.entered(call.status);
    }
    return expired;
}

std::vector<MovedCall> CallSweeps::cancel_waiting_of_fn(const std::string& fn_id, WallTime now) {
    return cancel_waiting(cancel_queued_of_fn_, cancel_delayed_of_fn_, fn_id, now);
}

std::vector<MovedCall> CallSweeps::cancel_waiting_of_app(const std::string& app_id, WallTime now) {
    return cancel_waiting(cancel_queued_of_app_, cancel_delayed_of_app_, app_id, now);
}

std::vector<MovedCall> CallSweeps::cancel_waiting(
    SQLite::Statement& queued, SQLite::Statement& delayed, const std::string& id, WallTime now
) {
    const auto cancelled = end_for(Errc::cancelled);
    std::vector<MovedCall> moved;
    Query of_queued(queued, id, now, cancelled.error, cancelled.error_code);
    take_moved(of_queued, CallStatus::queued, moved);
    Query of_delayed(delayed, id, now, cancelled.error, cancelled.error_code);
    take_moved(of_delayed, CallStatus::delayed, moved);
    return moved;
}

void CallSweeps::take_moved(Query& step, CallStatus from, std::vector<MovedCall>& moved) {
    while (step.next()) {
        moved.push_back(stored::read_moved(step));
        counts_.left(from);
        counts_.entered(moved.back().status);
    }
}

}  // namespace stoker::sqlite
