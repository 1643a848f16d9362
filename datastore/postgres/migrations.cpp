#include "datastore/postgres/migrations.hpp"

#include <fmt/format.h>

#include <array>
#include <ranges>
#include <string>
#include <string_view>

#include "datastore/postgres/session.hpp"

namespace stoker::postgres {

namespace {

// Times are milliseconds since 1970, UTC. Ids and names sort by bytes. What came over the wire is
// kept as bytes, for text holds neither NUL nor other encodings. The row of a call is small and
// written several times, so its pages leave room for that; bodies and logs are written once and are
// as a rule compressed already or short. No table refers to another by a foreign key: calls outlive
// the fn that they were made for.
constexpr std::string_view step_1 = R"sql(
CREATE TABLE apps(
    id text COLLATE "C" PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    config text NOT NULL,
    annotations text NOT NULL,
    syslog_url text,
    rev bigint NOT NULL DEFAULT 1,             -- +1 by every update
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE TABLE fns(
    id text COLLATE "C" PRIMARY KEY,
    app_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    image text NOT NULL,
    type text NOT NULL,
    format text NOT NULL,
    memory bigint NOT NULL,
    cpus bigint NOT NULL,
    tmpfs_size bigint NOT NULL,
    timeout integer NOT NULL,
    idle_timeout integer NOT NULL,
    max_attempts integer NOT NULL,
    max_concurrency integer NOT NULL,
    min_idle integer NOT NULL,
    config text NOT NULL,
    annotations text NOT NULL,
    rev bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    UNIQUE(app_id, name)
);
-- Few functions are kept warm, and every worker asks for them every few seconds.
CREATE INDEX fns_warm ON fns(min_idle) WHERE min_idle > 0;

CREATE TABLE calls(
    id text COLLATE "C" PRIMARY KEY,
    app_id text COLLATE "C" NOT NULL,
    fn_id text COLLATE "C" NOT NULL,
    fn_rev bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    phase text,                                -- NULL until claimed
    waiting_for text,
    priority smallint NOT NULL,
    attempt integer NOT NULL,                  -- fencing token: +1 by every claim, never less
    max_attempts integer NOT NULL,
    image text NOT NULL,                       -- image and limits as they were at accept
    format text NOT NULL,
    memory bigint NOT NULL,
    cpus bigint NOT NULL,
    tmpfs_size bigint NOT NULL,
    timeout integer NOT NULL,
    idle_timeout integer NOT NULL,
    created_at bigint NOT NULL,
    dispatched_at bigint,                      -- NULL: held by a gate
    cancel_requested boolean NOT NULL DEFAULT false,
    owner text COLLATE "C",                    -- worker incarnation of the latest attempt
    claim text COLLATE "C",                    -- which claim made it
    claimed_at bigint,
    started_at bigint,
    completed_at bigint,
    error text,
    error_code text,
    log_attempt integer,                       -- the attempt whose response and log are official
    run_at bigint,                             -- delayed only
    stats text
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);
CREATE INDEX calls_list ON calls(fn_id, id);
CREATE INDEX calls_queued ON calls(id) WHERE status = 'queued';
CREATE INDEX calls_due ON calls(run_at) WHERE status = 'delayed';
CREATE INDEX calls_owner ON calls(owner) WHERE status = 'running';

CREATE TABLE requests(
    call_id text COLLATE "C" PRIMARY KEY,
    method text NOT NULL,
    url bytea NOT NULL,
    headers bytea NOT NULL,
    content_type bytea NOT NULL,
    body bytea,
    blob_ref text COLLATE "C" NOT NULL,
    body_size bigint NOT NULL
);
ALTER TABLE requests ALTER body SET STORAGE EXTERNAL;

CREATE TABLE responses(
    call_id text COLLATE "C" NOT NULL,
    attempt integer NOT NULL,
    status integer NOT NULL,
    head bytea NOT NULL,
    body bytea,
    blob_ref text COLLATE "C" NOT NULL,
    body_size bigint NOT NULL,
    PRIMARY KEY(call_id, attempt)
);
ALTER TABLE responses ALTER body SET STORAGE EXTERNAL;

CREATE TABLE blob_chunks(
    blob text COLLATE "C" NOT NULL,
    seq integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY(blob, seq)
);
ALTER TABLE blob_chunks ALTER data SET STORAGE EXTERNAL;

CREATE TABLE logs(
    call_id text COLLATE "C" NOT NULL,
    attempt integer NOT NULL,
    seq bigint NOT NULL,
    at_ms bigint NOT NULL,
    stream smallint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY(call_id, attempt, seq)
);

CREATE TABLE workers(
    id text COLLATE "C" PRIMARY KEY,
    host text NOT NULL,
    lease_ms bigint NOT NULL,
    beat bigint NOT NULL DEFAULT 1,            -- +1 by every sign of life
    dead boolean NOT NULL DEFAULT false,
    died_at bigint
);
)sql";

// What a worker says about itself; JSON.
constexpr std::string_view step_2 = R"sql(
ALTER TABLE workers ADD COLUMN profile text;
)sql";

// Retries by policy (what of an outcome is worth another attempt is a set of bits, `redriven_from`
// a dead call that this one repeats), how old a call may be, who may repeat an accept. A fn that is
// paused holds its calls. Dead letters are listed over all functions.
constexpr std::string_view step_3 = R"sql(
ALTER TABLE fns
    ADD COLUMN retry_on smallint NOT NULL DEFAULT 0,
    ADD COLUMN retry_base_ms bigint NOT NULL DEFAULT 1000,
    ADD COLUMN retry_cap_ms bigint NOT NULL DEFAULT 300000,
    ADD COLUMN priority smallint NOT NULL DEFAULT 0,
    ADD COLUMN max_age integer NOT NULL DEFAULT 0,
    ADD COLUMN paused boolean NOT NULL DEFAULT false;
ALTER TABLE calls
    ADD COLUMN retry_on smallint NOT NULL DEFAULT 0,
    ADD COLUMN retry_base_ms bigint NOT NULL DEFAULT 1000,
    ADD COLUMN retry_cap_ms bigint NOT NULL DEFAULT 300000,
    ADD COLUMN expires_at bigint,
    ADD COLUMN redriven_from text COLLATE "C";
CREATE INDEX calls_expiry ON calls(expires_at)
    WHERE status IN ('queued', 'delayed') AND expires_at IS NOT NULL;
CREATE INDEX calls_dead ON calls(id) WHERE status IN ('error', 'timeout', 'killed');

CREATE TABLE idempotency(
    fn_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    call_id text COLLATE "C" NOT NULL,
    digest text NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY(fn_id, key)
);
CREATE INDEX idempotency_expiry ON idempotency(expires_at);
)sql";

// A paused one has no next time.
constexpr std::string_view step_4 = R"sql(
CREATE TABLE schedules(
    id text COLLATE "C" PRIMARY KEY,
    app_id text COLLATE "C" NOT NULL,
    fn_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    cron text NOT NULL,
    time_zone text NOT NULL,
    missed text NOT NULL,
    paused boolean NOT NULL,
    headers bytea NOT NULL,
    content_type text NOT NULL,
    body bytea,
    next_at bigint,
    last_at bigint,
    last_call_id text COLLATE "C" NOT NULL,
    rev bigint NOT NULL,                       -- +1 by every change and every firing
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE INDEX schedules_due ON schedules(next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX schedules_of_fn ON schedules(fn_id);
CREATE INDEX schedules_of_app ON schedules(app_id);
)sql";

constexpr std::array steps{step_1, step_2, step_3, step_4};

// Any number will do, as long as every Stoker takes the same.
constexpr std::string_view begin_alone = R"sql(
BEGIN;
SET LOCAL lock_timeout = '30s';
SELECT pg_advisory_xact_lock(7305787);
CREATE TABLE IF NOT EXISTS stoker_schema(version integer NOT NULL);
)sql";

Result<void> move_on(Session& session, int found) {
    if (found > schema_version()) {
        return fail(
            Errc::store_unavailable,
            fmt::format(
                "the database was written by a newer Stoker (schema {}, this one knows {}): use "
                "that version",
                found,
                schema_version()
            )
        );
    }
    for (const auto step : steps | std::views::drop(found)) {
        if (auto done = session.execute(std::string(step)); !done) return done;
    }
    if (found == schema_version()) return {};
    return session.execute(fmt::format(
        "DELETE FROM stoker_schema; INSERT INTO stoker_schema VALUES({})", schema_version()
    ));
}

}  // namespace

int schema_version() { return static_cast<int>(steps.size()); }

Result<void> migrate(Session& session) {
    if (auto begun = session.execute(std::string(begin_alone)); !begun) return begun;
    const auto found = session.ask("SELECT coalesce(max(version), 0) FROM stoker_schema");
    if (!found) return fail(found.error());
    auto moved = move_on(session, std::stoi(*found));
    auto ended = session.execute(moved ? "COMMIT" : "ROLLBACK");
    return moved ? ended : moved;
}

}  // namespace stoker::postgres
