#include "datastore/sqlite/call_writes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "datastore/sqlite/call_columns.hpp"
#include "datastore/sqlite/query.hpp"

namespace stoker::sqlite {

namespace {

constexpr std::string_view fenced =
    "id = ?1 AND status = 'running' AND owner = ?2 AND attempt = ?3";
constexpr std::string_view in_scope =
    "id = ?1 AND (?2 = '' OR app_id = ?2) AND (?3 = '' OR fn_id = ?3)";

}  // namespace

// The column `owner` stays on a row that was handed back or ended, so that a repeated write can
// tell "mine, done before" from "fenced".
CallWrites::CallWrites(SQLite::Database& db, CountChange& counts) :
    counts_(counts),
    keys_(db),
    has_fn_(db, "SELECT 1 FROM fns WHERE id = ?1"),
    has_call_(db, "SELECT 1 FROM calls WHERE id = ?1"),
    insert_call_(
        db,
        fmt::format(
            "INSERT INTO calls({}, dispatched_at, attempt) VALUES({},"
            " CASE WHEN (SELECT paused FROM fns WHERE id = ?3) THEN NULL ELSE ?{} END, 0)"
            " ON CONFLICT(id) DO NOTHING",
            stored::accepted_columns,
            parameters(stored::accepted_columns),
            std::ranges::count(stored::accepted_columns, ',') + 2
        )
    ),
    insert_request_(
        db,
        fmt::format(
            "INSERT INTO requests(call_id, {}) VALUES(?1, {})",
            stored::request_columns,
            parameters(stored::request_columns, 2)
        )
    ),
    // A SELECT after it is cheaper than RETURNING, which makes a table of its own each time.
    claim_(
        db,
        "UPDATE calls SET attempt = attempt + 1, owner = ?2, claimed_at = ?3, phase = 'slot',"
        " error = NULL, error_code = NULL, status = 'running'"
        " WHERE id = ?1 AND status = 'queued' AND dispatched_at IS NOT NULL"
    ),
    finish_(
        db,
        fmt::format(
            "UPDATE calls SET completed_at = ?4, started_at = coalesce(?5, started_at), error = ?6,"
            " error_code = ?7, log_attempt = attempt, status = ?8, stats = ?9 WHERE {}",
            fenced
        )
    ),
    is_finished_by_(
        db, "SELECT 1 FROM calls WHERE id = ?1 AND owner = ?2 AND log_attempt = ?3 AND status = ?4"
    ),
    insert_response_(
        db,
        fmt::format(
            "INSERT OR REPLACE INTO responses(call_id, attempt, {}) VALUES(?1, ?2, {})",
            stored::response_columns,
            parameters(stored::response_columns, 3)
        )
    ),
    insert_log_(
        db,
        fmt::format(
            "INSERT OR IGNORE INTO logs(call_id, attempt, {}) VALUES(?1, ?2, {})",
            stored::chunk_columns,
            parameters(stored::chunk_columns, 3)
        )
    ),
    // A wish to cancel that came while it ran is granted here: nobody will run it again.
    retry_(
        db,
        fmt::format(
            "UPDATE calls SET run_at = ?5, dispatched_at = 0, phase = NULL, waiting_for = NULL,"
            " claimed_at = NULL, started_at = NULL,"
            " completed_at = CASE WHEN cancel_requested THEN ?4 END,"
            " error = CASE WHEN cancel_requested THEN ?6 ELSE ?8 END,"
            " error_code = CASE WHEN cancel_requested THEN ?7 ELSE ?9 END,"
            " status = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'delayed' END"
            " WHERE {} RETURNING status",
            fenced
        )
    ),
    is_retried_(
        db,
        "SELECT 1 FROM calls WHERE id = ?1 AND owner = ?2 AND attempt = ?3"
        " AND status IN ('delayed', 'queued', 'cancelled')"
    ),
    hand_back_(
        db,
        fmt::format(
            "UPDATE calls SET max_attempts = max_attempts + ?7, dispatched_at = {}, phase = NULL,"
            " waiting_for = NULL, claimed_at = NULL, started_at = NULL,"
            " completed_at = CASE WHEN cancel_requested THEN ?4 END,"
            " error = CASE WHEN cancel_requested THEN ?5 END,"
            " error_code = CASE WHEN cancel_requested THEN ?6 END,"
            " status = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END"
            " WHERE {} RETURNING status",
            put_unless_paused("?4"),
            fenced
        )
    ),
    is_handed_back_(
        db,
        "SELECT 1 FROM calls WHERE id = ?1 AND status = 'queued' AND owner = ?2 AND attempt = ?3"
    ),
    progress_(
        db,
        fmt::format(
            "UPDATE calls SET phase = ?4, started_at = coalesce(?5, started_at),"
            " waiting_for = nullif(?6, '') WHERE {}",
            fenced
        )
    ),
    mark_put_(
        db,
        "UPDATE calls SET dispatched_at = ?3"
        " WHERE id = ?1 AND status = 'queued' AND dispatched_at = ?2"
    ),
    is_attempt_(db, "SELECT 1 FROM calls WHERE id = ?1 AND owner = ?2 AND attempt = ?3"),
    cancel_(
        db,
        fmt::format(
            "UPDATE calls SET cancel_requested = 1,"
            " completed_at = CASE WHEN status = 'running' THEN completed_at ELSE ?4 END,"
            " error = CASE WHEN status = 'running' THEN error ELSE ?5 END,"
            " error_code = CASE WHEN status = 'running' THEN error_code ELSE ?6 END,"
            " status = CASE WHEN status = 'running' THEN status ELSE 'cancelled' END"
            " WHERE {} AND status = ?7 RETURNING {}",
            in_scope,
            call_columns()
        )
    ),
    find_(db, fmt::format("SELECT {} FROM calls WHERE id = ?1", call_columns())),
    find_in_scope_(db, fmt::format("SELECT {} FROM calls WHERE {}", call_columns(), in_scope)) {}

bool CallWrites::has_call(const std::string& id) { return has_row(has_call_, id); }

Result<CallWrites::Accepted> CallWrites::accept(
    const NewCall& accepted, const std::string& headers, WallTime now
) {
    const Call& call = accepted.call;
    if (!has_row(has_fn_, call.fn_id)) {
        if (has_call(call.id)) return Accepted{.call_id = call.id};
        return fail(Errc::fn_not_found);
    }
    if (accepted.idempotency) {
        auto holder = keys_.take(call.fn_id, *accepted.idempotency, call.id, now);
        if (!holder) return fail(std::move(holder.error()));
        if (*holder != call.id) return Accepted{.call_id = std::move(*holder)};
    }
    if (!insert_call(call, now)) return Accepted{.call_id = call.id};
    insert_request(accepted, headers);
    ++counts_.accepted;
    counts_.entered(call.status);
    return Accepted{.call_id = call.id, .is_new = true};
}

bool CallWrites::insert_call(const Call& call, WallTime now) {
    return stored::with_values(call, with_all(insert_call_), now) > 0;
}

void CallWrites::insert_request(const NewCall& call, const std::string& headers) {
    const CallRequest& request = call.request;
    change(
        insert_request_,
        call.call.id,
        request.method,
        request.url,
        headers,
        request.content_type,
        Bytes{request.body.bytes},
        request.body.blob,
        request.body.size
    );
}

std::vector<Call> CallWrites::claim(
    const std::string& worker_id, const std::vector<std::string>& ids, WallTime now
) {
    std::vector<Call> claimed;
    claimed.reserve(ids.size());
    for (const auto& id : ids) {
        if (change(claim_, id, worker_id, now) == 0) continue;
        Query row(find_, id);
        if (row.next()) claimed.push_back(stored::read_call(row));
        counts_.left(CallStatus::queued);
        counts_.entered(CallStatus::running);
    }
    return claimed;
}

bool CallWrites::finish(const FinishedCall& finished, WallTime now) {
    const Fence& fence = finished.fence;
    const int ended = change(
        finish_,
        fence.call_id,
        fence.owner,
        fence.attempt,
        now,
        finished.started_at,
        finished.end.error,
        finished.end.error_code,
        to_word(finished.end.status),
        finished.stats ? std::optional(dump(*finished.stats)) : std::nullopt
    );
    if (ended == 0) return is_finished_by(finished);
    insert_outcome(finished);
    counts_.left(CallStatus::running);
    counts_.entered(finished.end.status);
    return true;
}

void CallWrites::insert_outcome(const FinishedCall& attempt) {
    if (attempt.response) insert_response(attempt.fence, *attempt.response);
    insert_logs(attempt.fence, attempt.logs);
}

bool CallWrites::retry(const FinishedCall& attempt, WallTime run_at, WallTime now) {
    const Fence& fence = attempt.fence;
    const auto cancelled = end_of({.code = Errc::cancelled, .message = {}, .detail = {}});
    {
        Query step(
            retry_,
            fence.call_id,
            fence.owner,
            fence.attempt,
            now,
            run_at,
            cancelled.error,
            cancelled.error_code,
            attempt.end.error,
            attempt.end.error_code
        );
        if (!step.next()) return has_row(is_retried_, fence.call_id, fence.owner, fence.attempt);
        counts_.left(CallStatus::running);
        counts_.entered(parse_call_status(step.text()).value_or(CallStatus::delayed));
    }
    insert_outcome(attempt);
    return true;
}

bool CallWrites::is_finished_by(const FinishedCall& finished) {
    const Fence& fence = finished.fence;
    return has_row(
        is_finished_by_, fence.call_id, fence.owner, fence.attempt, to_word(finished.end.status)
    );
}

void CallWrites::insert_response(const Fence& fence, const CallResponse& response) {
    change(
        insert_response_,
        fence.call_id,
        fence.attempt,
        response.status,
        response.head,
        Bytes{response.body.bytes},
        response.body.blob,
        response.body.size
    );
}

void CallWrites::insert_logs(const Fence& fence, const std::vector<LogChunk>& chunks) {
    for (const auto& chunk : chunks) {
        change(
            insert_log_,
            fence.call_id,
            fence.attempt,
            chunk.seq,
            chunk.at,
            std::to_underlying(chunk.stream),
            Bytes{chunk.data}
        );
    }
}

bool CallWrites::hand_back(const Fence& fence, HandBack how, WallTime now) {
    const auto cancelled = end_of({.code = Errc::cancelled, .message = {}, .detail = {}});
    Query step(
        hand_back_,
        fence.call_id,
        fence.owner,
        fence.attempt,
        now,
        cancelled.error,
        cancelled.error_code,
        how == HandBack::uncounted ? 1 : 0
    );
    if (!step.next()) return has_row(is_handed_back_, fence.call_id, fence.owner, fence.attempt);
    counts_.left(CallStatus::running);
    counts_.entered(parse_call_status(step.text()).value_or(CallStatus::queued));
    return true;
}

void CallWrites::progress(const CallProgress& entry) {
    const Fence& fence = entry.fence;
    const int updated = change(
        progress_,
        fence.call_id,
        fence.owner,
        fence.attempt,
        to_word(entry.phase),
        entry.started_at,
        entry.waiting_for
    );
    // What a function prints after its answer still belongs to its attempt, ended or not.
    const bool known =
        updated > 0 || has_row(is_attempt_, fence.call_id, fence.owner, fence.attempt);
    if (known) insert_logs(fence, entry.logs);
}

bool CallWrites::mark_put(const std::string& call_id, WallTime put_at, WallTime now) {
    return change(mark_put_, call_id, put_at, now) > 0;
}

Result<Call> CallWrites::cancel(const Scope& scope, const std::string& call_id, WallTime now) {
    std::optional<Call> before;
    {
        Query row(find_in_scope_, call_id, scope.app_id, scope.fn_id);
        if (!row.next()) return fail(Errc::call_not_found);
        before = stored::read_call(row);
    }
    if (is_terminal(before->status)) return std::move(*before);
    const auto cancelled = end_of({.code = Errc::cancelled, .message = {}, .detail = {}});
    Query step(
        cancel_,
        call_id,
        scope.app_id,
        scope.fn_id,
        now,
        cancelled.error,
        cancelled.error_code,
        to_word(before->status)
    );
    if (!step.next()) return std::move(*before);
    auto after = stored::read_call(step);
    counts_.left(before->status);
    counts_.entered(after.status);
    return after;
}

}  // namespace stoker::sqlite
