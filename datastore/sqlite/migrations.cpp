#include "datastore/sqlite/migrations.hpp"

#include <fmt/format.h>
#include <SQLiteCpp/Transaction.h>

#include <array>
#include <ranges>
#include <string>

namespace stoker::sqlite {

namespace {

// Times are milliseconds since 1970, UTC. calls is clustered by its time-ordered id, so inserts go
// to the right edge; what can be big (bodies) lives in rowid tables, whose leaves hold larger rows.
// The two indexes every call passes through are kept as narrow as their readers allow.
constexpr std::string_view step_1 = R"sql(
CREATE TABLE apps(
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    config TEXT NOT NULL,
    annotations TEXT NOT NULL,
    syslog_url TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE fns(
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL,
    name TEXT NOT NULL,
    image TEXT NOT NULL,
    type TEXT NOT NULL,
    memory INTEGER NOT NULL,
    timeout INTEGER NOT NULL,
    idle_timeout INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    config TEXT NOT NULL,
    annotations TEXT NOT NULL,
    rev INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE(app_id, name)
) WITHOUT ROWID;

CREATE TABLE calls(
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL,
    fn_id TEXT NOT NULL,
    fn_rev INTEGER NOT NULL,
    status TEXT NOT NULL,
    phase TEXT,                                -- NULL until claimed
    priority INTEGER NOT NULL,
    attempt INTEGER NOT NULL,                  -- fencing token: +1 by every claim, never less
    max_attempts INTEGER NOT NULL,
    image TEXT NOT NULL,                       -- image and limits as they were at accept
    memory INTEGER NOT NULL,
    timeout INTEGER NOT NULL,
    idle_timeout INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    dispatched_at INTEGER,                     -- NULL: held by a gate
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    owner TEXT,                                -- worker incarnation of the latest attempt
    claimed_at INTEGER,
    started_at INTEGER,
    completed_at INTEGER,
    error TEXT,
    error_code TEXT,
    log_attempt INTEGER,                       -- the attempt whose response and log are official
    run_at INTEGER,                            -- delayed only
    type TEXT,
    trigger_id TEXT,
    format TEXT,
    gate_key TEXT,
    gate_seq INTEGER
) WITHOUT ROWID;
CREATE INDEX calls_list ON calls(fn_id, id);
CREATE INDEX calls_queued ON calls(id) WHERE status = 'queued';
CREATE INDEX calls_due ON calls(run_at) WHERE status = 'delayed';
CREATE INDEX calls_owner ON calls(owner) WHERE status = 'running';
CREATE INDEX calls_held ON calls(gate_key, gate_seq)
    WHERE status = 'queued' AND dispatched_at IS NULL;

CREATE TABLE requests(
    call_id TEXT NOT NULL PRIMARY KEY,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body BLOB,
    blob_ref TEXT,
    body_size INTEGER NOT NULL
);

CREATE TABLE responses(
    call_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status INTEGER NOT NULL,
    head TEXT NOT NULL,
    body BLOB,
    blob_ref TEXT,
    body_size INTEGER NOT NULL,
    PRIMARY KEY(call_id, attempt)
);

CREATE TABLE logs(
    call_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY(call_id, attempt, seq)
) WITHOUT ROWID;

CREATE TABLE workers(
    id TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    address TEXT,
    version TEXT,
    capacity INTEGER,
    draining INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER NOT NULL,
    dead INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
)sql";

// The column `format` of calls has been there from the start.
constexpr std::string_view step_2 = R"sql(
ALTER TABLE fns ADD COLUMN format TEXT NOT NULL DEFAULT 'http-stream';
ALTER TABLE fns ADD COLUMN cpus INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fns ADD COLUMN tmpfs_size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fns ADD COLUMN max_concurrency INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fns ADD COLUMN min_idle INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN cpus INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN tmpfs_size INTEGER NOT NULL DEFAULT 0;
)sql";

// Written with the end of a call; JSON, for nothing is ever looked for in it.
constexpr std::string_view step_3 = R"sql(
ALTER TABLE calls ADD COLUMN stats TEXT;
)sql";

// For people; NULL when nothing is known to keep a call from executing.
constexpr std::string_view step_4 = R"sql(
ALTER TABLE calls ADD COLUMN waiting_for TEXT;
)sql";

// Few functions are kept warm, and every worker asks for them every few seconds.
constexpr std::string_view step_5 = R"sql(
CREATE INDEX fns_warm ON fns(min_idle) WHERE min_idle > 0;
)sql";

// What a worker says about itself; JSON.
constexpr std::string_view step_6 = R"sql(
ALTER TABLE workers ADD COLUMN profile TEXT;
)sql";

// What of an attempt's outcome is worth another one (a set of bits), and how long before that.
constexpr std::string_view step_7 = R"sql(
ALTER TABLE fns ADD COLUMN retry_on INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fns ADD COLUMN retry_base_ms INTEGER NOT NULL DEFAULT 1000;
ALTER TABLE fns ADD COLUMN retry_cap_ms INTEGER NOT NULL DEFAULT 300000;
ALTER TABLE calls ADD COLUMN retry_on INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN retry_base_ms INTEGER NOT NULL DEFAULT 1000;
ALTER TABLE calls ADD COLUMN retry_cap_ms INTEGER NOT NULL DEFAULT 300000;
)sql";

constexpr std::string_view step_8 = R"sql(
CREATE TABLE idempotency(
    fn_id TEXT NOT NULL,
    key TEXT NOT NULL,
    call_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY(fn_id, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency(expires_at);
)sql";

// Few calls have a bound on their age; the others take no place in the index.
constexpr std::string_view step_9 = R"sql(
ALTER TABLE fns ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fns ADD COLUMN max_age INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN expires_at INTEGER;
CREATE INDEX calls_expiry ON calls(expires_at)
    WHERE status IN ('queued', 'delayed') AND expires_at IS NOT NULL;
)sql";

// Dead letters are listed over all functions.
constexpr std::string_view step_10 = R"sql(
ALTER TABLE fns ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN redriven_from TEXT;
CREATE INDEX calls_dead ON calls(id) WHERE status IN ('error', 'timeout', 'killed');
)sql";

// A paused one has no next time. Rows with a rowid, for bodies can be large.
constexpr std::string_view step_11 = R"sql(
CREATE TABLE schedules(
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL,
    fn_id TEXT NOT NULL,
    name TEXT NOT NULL,
    cron TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    missed TEXT NOT NULL,
    paused INTEGER NOT NULL,
    headers TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body BLOB,
    next_at INTEGER,
    last_at INTEGER,
    last_call_id TEXT NOT NULL,
    rev INTEGER NOT NULL,                      -- +1 by every change and every firing
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE INDEX schedules_due ON schedules(next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX schedules_of_fn ON schedules(fn_id);
CREATE INDEX schedules_of_app ON schedules(app_id);
)sql";

constexpr std::array steps{
    step_1, step_2, step_3, step_4, step_5, step_6, step_7, step_8, step_9, step_10, step_11
};

}  // namespace

int schema_version() { return static_cast<int>(steps.size()); }

Result<void> migrate(SQLite::Database& db, std::string_view file) {
    const int found = db.execAndGet("PRAGMA user_version").getInt();
    if (found > schema_version()) {
        return fail(
            Errc::store_unavailable,
            fmt::format(
                "{} was written by a newer Stoker (schema {}, this one knows {}): use that version",
                file,
                found,
                schema_version()
            )
        );
    }
    if (found == schema_version()) return {};
    SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
    for (const auto step : steps | std::views::drop(found)) db.exec(std::string(step));
    db.exec(fmt::format("PRAGMA user_version = {}", schema_version()));
    transaction.commit();
    return {};
}

}  // namespace stoker::sqlite
