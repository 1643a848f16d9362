#include "datastore/sqlite/call_reads.hpp"

#include <fmt/format.h>

#include "datastore/sqlite/call_columns.hpp"
#include "datastore/sqlite/query.hpp"

namespace stoker::sqlite {

namespace {

constexpr std::string_view in_scope =
    "id = ?1 AND (?2 = '' OR app_id = ?2) AND (?3 = '' OR fn_id = ?3)";
/// Sorts after every id.
const std::string past_all_ids = "~";

/// `which` narrows by index; the filters are checked row by row, newest first.
std::string list_sql(std::string_view which) {
    return fmt::format(
        "SELECT {} FROM calls WHERE {} AND id < ?2 AND (?3 = '' OR app_id = ?3)"
        " AND (?4 = '' OR status = ?4) AND (?5 IS NULL OR created_at > ?5)"
        " AND (?6 IS NULL OR created_at < ?6) AND (?8 = '' OR error_code = ?8)"
        " AND (NOT ?9 OR status IN ('error', 'timeout', 'killed')) ORDER BY id DESC LIMIT ?7",
        call_columns(),
        which
    );
}

}  // namespace

CallReads::CallReads(SQLite::Database& db) :
    find_call_(db, fmt::format("SELECT {} FROM calls WHERE {}", call_columns(), in_scope)),
    list_of_fn_(db, list_sql("fn_id = ?1")),
    list_all_(db, list_sql("?1 = ''")),
    // The index is only looked at when its condition is in the query word for word.
    list_dead_(db, list_sql("?1 = '' AND status IN ('error', 'timeout', 'killed')")),
    find_request_(
        db, fmt::format("SELECT {} FROM requests WHERE call_id = ?1", stored::request_columns)
    ),
    find_response_(
        db,
        fmt::format(
            "SELECT {} FROM (SELECT id, log_attempt FROM calls WHERE {}) c"
            " JOIN responses r ON r.call_id = c.id AND r.attempt = c.log_attempt",
            stored::with_prefix("r", stored::response_columns),
            in_scope
        )
    ),
    find_log_(
        db,
        fmt::format(
            "SELECT {} FROM logs WHERE call_id = ?1 AND attempt = ?2 AND seq >= ?3 ORDER BY seq",
            stored::chunk_columns
        )
    ),
    list_queued_(
        db,
        fmt::format(
            "SELECT {} FROM calls INDEXED BY calls_queued WHERE status = 'queued' AND id > ?1"
            " AND dispatched_at IS NOT NULL ORDER BY id LIMIT ?2",
            stored::moved_columns
        )
    ),
    list_waiting_(
        db,
        fmt::format(
            "SELECT {}, dispatched_at FROM calls INDEXED BY calls_queued"
            " WHERE status = 'queued' AND id > ?1 AND dispatched_at IS NOT NULL"
            " ORDER BY id LIMIT ?2",
            stored::moved_columns
        )
    ),
    count_delayed_(db, "SELECT count(*) FROM calls INDEXED BY calls_due WHERE status = 'delayed'"),
    count_queued_(db, "SELECT count(*) FROM calls INDEXED BY calls_queued WHERE status = 'queued'"),
    count_running_(
        db, "SELECT count(*) FROM calls INDEXED BY calls_owner WHERE status = 'running'"
    ),
    is_blob_named_(
        db,
        "SELECT 1 FROM requests WHERE call_id = ?1 AND blob_ref = ?2"
        " UNION ALL SELECT 1 FROM responses WHERE call_id = ?1 AND blob_ref = ?2"
    ) {}

std::optional<Call> CallReads::find_call(const Scope& scope, const std::string& call_id) {
    Query row(find_call_, call_id, scope.app_id, scope.fn_id);
    if (!row.next()) return std::nullopt;
    return stored::read_call(row);
}

std::vector<Call> CallReads::list_calls(
    const Scope& scope, const CallFilter& filter, const Page& page
) {
    const auto status = filter.status ? to_word(*filter.status) : std::string_view{};
    std::vector<Call> calls;
    Query row(
        !scope.fn_id.empty() ? list_of_fn_ : (filter.only_dead ? list_dead_ : list_all_),
        scope.fn_id,
        page.after.empty() ? past_all_ids : page.after,
        scope.app_id,
        status,
        filter.created_after,
        filter.created_before,
        page.items_max,
        filter.error_code,
        filter.only_dead
    );
    while (row.next()) calls.push_back(stored::read_call(row));
    return calls;
}

std::optional<CallRequest> CallReads::find_request(const std::string& call_id) {
    Query row(find_request_, call_id);
    if (!row.next()) return std::nullopt;
    return stored::read_request(row);
}

std::optional<CallResponse> CallReads::find_response(
    const Scope& scope, const std::string& call_id
) {
    Query row(find_response_, call_id, scope.app_id, scope.fn_id);
    if (!row.next()) return std::nullopt;
    return stored::read_response(row);
}

std::optional<std::vector<LogChunk>> CallReads::find_log(
    const Scope& scope, const std::string& call_id, std::int64_t from_seq
) {
    const auto call = find_call(scope, call_id);
    if (!call) return std::nullopt;
    std::vector<LogChunk> chunks;
    Query row(find_log_, call_id, call->attempt, from_seq);
    while (row.next()) chunks.push_back(stored::read_chunk(row));
    return chunks;
}

std::vector<MovedCall> CallReads::list_queued(const std::string& after_id, int items_max) {
    std::vector<MovedCall> calls;
    Query row(list_queued_, after_id, items_max);
    while (row.next()) calls.push_back(stored::read_moved(row));
    return calls;
}

std::vector<WaitingCall> CallReads::list_waiting(const std::string& after_id, int items_max) {
    std::vector<WaitingCall> calls;
    Query row(list_waiting_, after_id, items_max);
    while (row.next()) {
        auto call = stored::read_moved(row);
        calls.push_back({std::move(call), row.time()});
    }
    return calls;
}

CallCounts CallReads::count_calls() {
    const auto count = [](SQLite::Statement& statement) {
        Query row(statement);
        row.next();
        return row.number<std::uint64_t>();
    };
    return {
        .delayed = count(count_delayed_),
        .queued = count(count_queued_),
        .running = count(count_running_)
    };
}

bool CallReads::is_blob_named(const std::string& call_id, const std::string& blob) {
    return has_row(is_blob_named_, call_id, blob);
}

}  // namespace stoker::sqlite
