#pragma once

// What of the SQL about calls is of SQLite alone. Private to datastore/sqlite.

#include <fmt/format.h>

#include <ranges>
#include <string>
#include <string_view>

#include "datastore/stored_rows.hpp"

namespace stoker::sqlite {

/// What stored::read_call reads.
inline std::string call_columns() {
    return stored::call_columns() + ", status = 'queued' AND dispatched_at IS NULL";
}

/// `?1, ?2, …`: one for each of the columns.
inline std::string parameters(std::string_view columns, int first = 1) {
    std::string list;
    for (int at = first; const auto column : std::views::split(columns, std::string_view(", "))) {
        (void)column;
        list += fmt::format("{}?{}", list.empty() ? "" : ", ", at++);
    }
    return list;
}

/// What `dispatched_at` of a call becomes that is queued at the time of the parameter: nothing
/// while its fn is paused.
inline std::string put_unless_paused(std::string_view now) {
    return fmt::format(
        "CASE WHEN EXISTS(SELECT 1 FROM fns WHERE fns.id = calls.fn_id AND fns.paused)"
        " THEN NULL ELSE {} END",
        now
    );
}

}  // namespace stoker::sqlite
