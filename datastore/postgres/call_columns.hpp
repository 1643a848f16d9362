#pragma once

// What of the SQL about calls is of PostgreSQL alone. `c` is the table of calls in every statement.
// Private to datastore/postgres.

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "datastore/stored_rows.hpp"

namespace stoker::postgres {

/// Whether the fn of the call is paused. Looked up wherever it matters, never written to the calls:
/// they may come to wait, in any process, while it changes.
inline constexpr std::string_view is_paused =
    "(SELECT f.paused FROM fns f WHERE f.id = c.fn_id) IS TRUE";

/// What stored::read_call reads.
inline std::string call_columns() {
    return fmt::format(
        "{}, c.status = 'queued' AND {}",
        stored::with_prefix("c", stored::call_columns()),
        is_paused
    );
}

inline std::string moved_columns() { return stored::with_prefix("c", stored::moved_columns); }

}  // namespace stoker::postgres
