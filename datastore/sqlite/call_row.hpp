#pragma once

// How a row of calls becomes a Call: the column lists of SELECT and RETURNING, and their readers.
// Private to datastore/sqlite.

#include <string_view>

#include "datastore/datastore.hpp"
#include "datastore/sqlite/query.hpp"

namespace stoker::sqlite {

inline constexpr std::string_view call_columns =
    "id, app_id, fn_id, fn_rev, status, phase, waiting_for, priority, attempt, max_attempts, "
    "image, "
    "format, memory, cpus, tmpfs_size, timeout, idle_timeout, error, error_code, created_at, "
    "claimed_at, started_at, completed_at, stats, run_at, retry_on, retry_base_ms, "
    "retry_cap_ms, cancel_requested, expires_at, redriven_from, dispatched_at";
Call read_call(Query& row);

inline constexpr std::string_view moved_columns = "id, fn_id, status, attempt, priority";
MovedCall read_moved(Query& row);

/// What `dispatched_at` of a call becomes that is queued at the time of the parameter: nothing
/// while its fn is paused.
inline constexpr std::string_view put_unless_paused =
    "CASE WHEN EXISTS(SELECT 1 FROM fns WHERE fns.id = calls.fn_id AND fns.paused)"
    " THEN NULL ELSE {} END";

/// body, blob_ref, body_size
BodyRef read_body(Query& row);

}  // namespace stoker::sqlite
