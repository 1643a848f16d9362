#pragma once

// How a row of calls becomes a Call: the column lists of SELECT and RETURNING, and their readers.
// Private to datastore/postgres.

#include <string_view>

#include "datastore/datastore.hpp"
#include "datastore/postgres/rows.hpp"

namespace stoker::postgres {

inline constexpr std::string_view call_columns =
    "c.id, c.app_id, c.fn_id, c.fn_rev, c.status, c.phase, c.waiting_for, c.priority, c.attempt, "
    "c.max_attempts, c.image, c.format, c.memory, c.cpus, c.tmpfs_size, c.timeout, "
    "c.idle_timeout, c.error, c.error_code, c.created_at, c.claimed_at, c.started_at, "
    "c.completed_at, c.stats";
Call read_call(Row& row);

inline constexpr std::string_view moved_columns = "c.id, c.fn_id, c.status, c.attempt, c.priority";
MovedCall read_moved(Row& row);

inline constexpr std::string_view body_columns = "body, blob_ref, body_size";
BodyRef read_body(Row& row);

inline constexpr std::string_view request_columns = "method, url, headers, content_type";
CallRequest read_request(Row& row);  ///< and the body behind them

}  // namespace stoker::postgres
