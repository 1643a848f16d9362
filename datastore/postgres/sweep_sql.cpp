#include "datastore/postgres/sweep_sql.hpp"

#include <fmt/format.h>

#include "datastore/postgres/call_columns.hpp"

namespace stoker::postgres {

namespace {

/// Dead workers stay visible to a late heartbeat for this long; an absent one is dead as well.
constexpr Millis dead_kept = std::chrono::hours(1);

CallEnd end_for(Errc code) { return end_of({.code = code, .message = {}, .detail = {}}); }

std::string cancel_waiting_sql(std::string_view status, std::string_view which) {
    return fmt::format(
        "UPDATE calls c SET cancel_requested = true, completed_at = $2::bigint,"
        " error = $3::text, error_code = $4::text, status = 'cancelled'"
        " WHERE c.id = ANY(ARRAY(SELECT id FROM calls WHERE status = '{0}' AND fn_id {1}"
        " ORDER BY id LIMIT $5::bigint FOR UPDATE)) AND c.status = '{0}' RETURNING {2}",
        status,
        which,
        moved_columns()
    );
}

constexpr std::string_view of_fn = "= $1::text";
constexpr std::string_view of_app = "IN (SELECT id FROM fns WHERE app_id = $1::text)";

/// The owner is wiped from what is queued again, so that a late hand-back is seen as fenced.
std::string move_lost_sql() {
    return fmt::format(
        "UPDATE calls c SET dispatched_at = $1::bigint, waiting_for = NULL,"
        " phase = CASE WHEN {0} THEN phase END, owner = CASE WHEN {0} THEN owner END,"
        " claimed_at = CASE WHEN {0} THEN claimed_at END,"
        " started_at = CASE WHEN {0} THEN started_at END,"
        " completed_at = CASE WHEN {0} THEN $1 END,"
        " error = CASE WHEN cancel_requested THEN $2::text WHEN {0} THEN $4::text END,"
        " error_code = CASE WHEN cancel_requested THEN $3::text WHEN {0} THEN $5::text END,"
        " status = CASE WHEN cancel_requested THEN 'cancelled' WHEN {0} THEN 'error'"
        " ELSE 'queued' END"
        " WHERE c.id = ANY(ARRAY(SELECT id FROM calls WHERE status = 'running'"
        " AND owner NOT IN (SELECT id FROM workers WHERE NOT dead)"
        " ORDER BY id LIMIT {1} FOR UPDATE SKIP LOCKED)) AND c.status = 'running' RETURNING {2}",
        "(cancel_requested OR attempt >= max_attempts)",
        SweepSql::moved_max,
        moved_columns()
    );
}

}  // namespace

SweepSql::SweepSql() :
    register_{
        "register_worker",
        "INSERT INTO workers(id, host, lease_ms) VALUES($1::text, $2::text, $3::bigint)"
        " ON CONFLICT(id) DO UPDATE SET host = $2, lease_ms = $3, beat = workers.beat + 1"
        " WHERE NOT workers.dead RETURNING id, beat, lease_ms"
    },
    beat_{
        "beat",
        "UPDATE workers SET beat = beat + 1, lease_ms = $2::bigint"
        " WHERE id = $1::text AND NOT dead RETURNING id, beat, lease_ms"
    },
    list_wishes_{
        "list_wishes",
        "SELECT id FROM calls WHERE status = 'running' AND owner = $1::text AND cancel_requested"
    },
    describe_{
        "describe_worker", "UPDATE workers SET profile = $2::text WHERE id = $1::text AND NOT dead"
    },
    list_workers_{
        "list_workers",
        "SELECT id, host, coalesce(profile, '') FROM workers WHERE NOT dead ORDER BY id"
    },
    remove_{"remove_worker", "DELETE FROM workers WHERE id = $1::text"},
    forget_all_{"forget_workers", "DELETE FROM workers"},
    list_beats_{"list_beats", "SELECT id, beat, lease_ms FROM workers WHERE NOT dead"},
    declare_dead_{
        "declare_dead",
        "UPDATE workers w SET dead = true, died_at = $3::bigint"
        " FROM unnest($1::text[], $2::bigint[]) AS g(id, beat)"
        " WHERE w.id = g.id AND w.beat = g.beat AND NOT w.dead"
    },
    forget_dead_{"forget_dead", "DELETE FROM workers WHERE dead AND died_at < $1::bigint"},
    move_lost_{"move_lost", move_lost_sql()},
    cancel_queued_of_fn_{"cancel_queued_of_fn", cancel_waiting_sql("queued", of_fn)},
    cancel_delayed_of_fn_{"cancel_delayed_of_fn", cancel_waiting_sql("delayed", of_fn)},
    cancel_queued_of_app_{"cancel_queued_of_app", cancel_waiting_sql("queued", of_app)},
    cancel_delayed_of_app_{"cancel_delayed_of_app", cancel_waiting_sql("delayed", of_app)},
    list_queued_{
        "list_queued",
        fmt::format(
            "SELECT {} FROM calls c WHERE c.status = 'queued' AND c.id > $1::text"
            " AND NOT {} ORDER BY c.id LIMIT $2::bigint",
            moved_columns(),
            is_paused
        )
    },
    list_waiting_{
        "list_waiting",
        fmt::format(
            "SELECT {}, c.dispatched_at FROM calls c WHERE c.status = 'queued' AND c.id > $1::text"
            " AND c.dispatched_at IS NOT NULL AND NOT {} ORDER BY c.id LIMIT $2::bigint",
            moved_columns(),
            is_paused
        )
    },
    mark_put_{
        "mark_put",
        fmt::format(
            "UPDATE calls c SET dispatched_at = $3::bigint"
            " FROM unnest($1::text[], $2::bigint[]) AS g(id, put_at)"
            " WHERE c.id = ANY($1) AND c.id = g.id AND c.status = 'queued'"
            " AND c.dispatched_at = g.put_at RETURNING {}",
            moved_columns()
        )
    },
    count_calls_{
        "count_calls",
        "SELECT (SELECT count(*) FROM calls WHERE status = 'delayed'),"
        " (SELECT count(*) FROM calls WHERE status = 'queued'),"
        " (SELECT count(*) FROM calls WHERE status = 'running')"
    },
    release_due_{
        "release_due",
        fmt::format(
            "UPDATE calls c SET dispatched_at = $1::bigint, status = 'queued'"
            " WHERE c.id = ANY(ARRAY(SELECT id FROM calls WHERE status = 'delayed'"
            " AND run_at <= $1 ORDER BY run_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED))"
            " AND c.status = 'delayed' RETURNING {}, c.run_at",
            moved_columns()
        )
    },
    next_due_{"next_due", "SELECT min(run_at) FROM calls WHERE status = 'delayed'"},
    expire_{
        "expire",
        fmt::format(
            "UPDATE calls c SET completed_at = $1::bigint, error = $3::text,"
            " error_code = $4::text, status = $5::text"
            " WHERE c.id = ANY(ARRAY(SELECT id FROM calls WHERE status IN ('queued', 'delayed')"
            " AND expires_at IS NOT NULL AND expires_at <= $1"
            " ORDER BY expires_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED))"
            " AND c.status IN ('queued', 'delayed') RETURNING {}, c.expires_at",
            moved_columns()
        )
    },
    free_held_{
        "free_held",
        "UPDATE calls c SET dispatched_at = 0"
        " WHERE c.id = ANY(ARRAY(SELECT id FROM calls WHERE status = 'queued'"
        " AND fn_id = $1::text AND dispatched_at <> 0"
        " ORDER BY id LIMIT $2::bigint FOR UPDATE)) AND c.status = 'queued' RETURNING id"
    },
    forget_keys_{
        "forget_keys",
        "DELETE FROM idempotency WHERE ctid = ANY(ARRAY(SELECT ctid FROM idempotency"
        " WHERE expires_at <= $1::bigint ORDER BY expires_at LIMIT $2::bigint"
        " FOR UPDATE SKIP LOCKED)) RETURNING 1"
    } {}

Step SweepSql::register_worker(const std::string& id, const std::string& host, Millis lease) const {
    return step(register_, id, host, lease.count());
}

std::vector<Step> SweepSql::heartbeat(const std::string& id, Millis lease) const {
    std::vector<Step> steps;
    steps.push_back(step(beat_, id, lease.count()));
    steps.push_back(step(list_wishes_, id));
    return steps;
}

Step SweepSql::describe_worker(const std::string& id, const std::string& profile) const {
    return step(describe_, id, profile);
}

Step SweepSql::list_workers() const { return step(list_workers_); }

Step SweepSql::remove_worker(const std::string& id) const { return step(remove_, id); }
Step SweepSql::forget_workers() const { return step(forget_all_); }
Step SweepSql::list_beats() const { return step(list_beats_); }

std::vector<Step> SweepSql::declare_dead(const std::vector<Beat>& silent, WallTime now) const {
    Table given{Column::Of::text, Column::Of::number};
    for (const auto& beat : silent) given.add_row(beat.worker_id, beat.number);
    std::vector<Step> steps;
    steps.push_back(step(declare_dead_, given, now));
    steps.push_back(step(forget_dead_, now - dead_kept));
    return steps;
}

Step SweepSql::move_lost(WallTime now) const {
    const auto cancelled = end_for(Errc::cancelled);
    const auto lost = end_for(Errc::worker_lost);
    return step(
        move_lost_, now, cancelled.error, cancelled.error_code, lost.error, lost.error_code
    );
}

std::vector<Step> SweepSql::cancel_waiting(
    const Statement& delayed,
    const Statement& queued,
    const std::string& id,
    WallTime now,
    std::optional<int> items_max
) {
    const auto end = end_for(Errc::cancelled);
    std::vector<Step> steps;
    for (const auto* statement : {&delayed, &queued}) {
        steps.push_back(step(*statement, id, now, end.error, end.error_code, items_max));
    }
    return steps;
}

std::vector<Step> SweepSql::cancel_waiting_of_fn(
    const std::string& fn_id, WallTime now, std::optional<int> items_max
) const {
    return cancel_waiting(cancel_delayed_of_fn_, cancel_queued_of_fn_, fn_id, now, items_max);
}

std::vector<Step> SweepSql::cancel_waiting_of_app(const std::string& app_id, WallTime now) const {
    return cancel_waiting(cancel_delayed_of_app_, cancel_queued_of_app_, app_id, now, {});
}

std::vector<Step> SweepSql::release_due(int items_max, WallTime now) const {
    std::vector<Step> steps;
    steps.push_back(step(release_due_, now, items_max));
    steps.push_back(step(next_due_));
    return steps;
}

Step SweepSql::expire(int items_max, WallTime now) const {
    const auto end = end_for(Errc::expired);
    return step(expire_, now, items_max, end.error, end.error_code, to_word(end.status));
}

Step SweepSql::free_held(const std::string& fn_id) const {
    return step(free_held_, fn_id, moved_max);
}

Step SweepSql::forget_keys(int items_max, WallTime now) const {
    return step(forget_keys_, now, items_max);
}

Step SweepSql::list_queued(const std::string& after_id, int items_max) const {
    return step(list_queued_, after_id, items_max);
}

Step SweepSql::list_waiting(const std::string& after_id, int items_max) const {
    return step(list_waiting_, after_id, items_max);
}

Step SweepSql::mark_put(const std::vector<DatedCall>& calls, WallTime now) const {
    Table given{Column::Of::text, Column::Of::number};
    for (const auto& waiting : calls) given.add_row(waiting.call.id, waiting.at);
    return step(mark_put_, given, now);
}

Step SweepSql::count_calls() const { return step(count_calls_); }

DatedCall read_dated(Row& row) {
    auto call = stored::read_moved(row);
    return {std::move(call), row.time()};
}

Beat read_beat(Row& row) {
    Beat beat;
    beat.worker_id = row.text();
    beat.number = row.number();
    beat.lease = Millis(row.number());
    return beat;
}

KnownWorker read_worker(Row& row) {
    KnownWorker worker{.id = row.text(), .host = row.text(), .profile = {}};
    worker.profile = worker_profile_from_text(row.text());
    return worker;
}

}  // namespace stoker::postgres
