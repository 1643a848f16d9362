#include "datastore/postgres/call_sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "datastore/postgres/call_columns.hpp"

namespace stoker::postgres {

namespace {

constexpr std::string_view in_scope =
    "c.id = $1::text AND ($2::text = '' OR c.app_id = $2) AND ($3::text = '' OR c.fn_id = $3)";
/// Sorts after every id.
const std::string past_all_ids = "~";

/// A wish to cancel that came while it ran is granted here: nobody will run it again. The
/// parameters from `first` on: the time, the words of a cancelled call, what is added to
/// max_attempts.
std::string handed_back(int first) {
    return fmt::format(
        "max_attempts = max_attempts + ${3}::bigint, dispatched_at = ${0}::bigint, phase = NULL,"
        " waiting_for = NULL, claimed_at = NULL, started_at = NULL,"
        " completed_at = CASE WHEN cancel_requested THEN ${0} END,"
        " error = CASE WHEN cancel_requested THEN ${1}::text END,"
        " error_code = CASE WHEN cancel_requested THEN ${2}::text END,"
        " status = CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END",
        first,
        first + 1,
        first + 2,
        first + 3
    );
}

CallEnd cancelled_end() { return end_of({.code = Errc::cancelled, .message = {}, .detail = {}}); }

/// The index of the dead is only looked at when its condition is in the query word for word.
constexpr std::string_view is_dead = "c.status IN ('error', 'timeout', 'killed')";

/// `which` narrows by index; the filters are checked row by row, newest first.
std::string list_sql(std::string_view which) {
    return fmt::format(
        "SELECT {} FROM calls c WHERE {} AND c.id < $2::text AND ($3::text = '' OR c.app_id = $3)"
        " AND ($4::text = '' OR c.status = $4) AND ($5::bigint IS NULL OR c.created_at > $5)"
        " AND ($6::bigint IS NULL OR c.created_at < $6) AND ($8::text = '' OR c.error_code = $8)"
        " AND (NOT $9::boolean OR {})"
        " ORDER BY c.id DESC LIMIT $7::bigint",
        call_columns(),
        which,
        is_dead
    );
}

/// The last state of each call: an UPDATE takes one row of several at random.
std::vector<CallProgress> folded(const std::vector<CallProgress>& entries) {
    std::map<std::string, CallProgress, std::less<>> last;
    for (const auto& entry : entries) {
        auto [at, is_new] = last.try_emplace(entry.fence.call_id, entry);
        if (is_new) continue;
        const auto started_at = entry.started_at ? entry.started_at : at->second.started_at;
        at->second = entry;
        at->second.started_at = started_at;
    }
    std::vector<CallProgress> made;
    for (auto& [id, entry] : last) made.push_back(std::move(entry));
    return made;
}

}  // namespace

// The columns `owner` and `claim` stay on a row that was handed back or ended, so that a repeated
// write can tell "mine, done before" from "fenced".
CallSql::CallSql() :
    claim_{
        "claim",
        fmt::format(
            "UPDATE calls c SET attempt = attempt + 1, owner = $2::text, claim = $3::text,"
            " claimed_at = $4::bigint, phase = 'slot', error = NULL, error_code = NULL,"
            " status = 'running'"
            " WHERE c.id = ANY($1::text[]) AND c.status = 'queued'"
            " AND c.dispatched_at IS NOT NULL AND NOT {}",
            is_paused
        )
    },
    find_claimed_{
        "find_claimed",
        fmt::format(
            "SELECT {}, coalesce(f.rev, 0), coalesce(a.rev, 0), r.call_id IS NOT NULL, {}"
            " FROM calls c LEFT JOIN requests r ON r.call_id = c.id AND r.call_id = ANY($1::text[])"
            " LEFT JOIN fns f ON f.id = c.fn_id LEFT JOIN apps a ON a.id = f.app_id"
            " WHERE c.id = ANY($1) AND c.status = 'running' AND c.owner = $2::text"
            " AND c.claim = $3::text ORDER BY c.id",
            call_columns(),
            stored::with_prefix("r", stored::request_columns)
        )
    },
    hand_back_{
        "hand_back",
        fmt::format(
            "UPDATE calls SET {} WHERE id = $1::text AND status = 'running' AND owner = $2::text"
            " AND attempt = $3::bigint RETURNING status",
            handed_back(4)
        )
    },
    is_handed_back_{
        "is_handed_back",
        "SELECT 1 FROM calls WHERE id = $1::text AND status = 'queued' AND owner = $2::text"
        " AND attempt = $3::bigint"
    },
    hand_back_claim_{
        "hand_back_claim",
        fmt::format(
            "UPDATE calls c SET {} WHERE status = 'running' AND owner = $1::text"
            " AND claim = $2::text RETURNING {}",
            handed_back(3),
            moved_columns()
        )
    },
    progress_{
        "progress",
        "UPDATE calls c SET phase = g.phase, started_at = coalesce(g.started_at, c.started_at),"
        " waiting_for = nullif(g.waiting_for, '')"
        " FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[])"
        " AS g(id, owner, attempt, phase, started_at, waiting_for)"
        " WHERE c.id = ANY($1) AND c.id = g.id AND c.status = 'running' AND c.owner = g.owner"
        " AND c.attempt = g.attempt"
    },
    // What a function prints after its answer still belongs to its attempt, ended or not.
    insert_logs_{
        "insert_logs",
        "INSERT INTO logs(call_id, attempt, seq, at_ms, stream, data)"
        " SELECT l.call_id, l.attempt, l.seq, l.at_ms, l.stream, l.data"
        " FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[],"
        " $6::bigint[], $7::bytea[]) AS l(call_id, owner, attempt, seq, at_ms, stream, data)"
        " JOIN calls c ON c.id = l.call_id"
        " WHERE c.id = ANY($1) AND c.owner = l.owner AND c.attempt = l.attempt"
        " ON CONFLICT DO NOTHING"
    },
    cancel_{
        "cancel",
        fmt::format(
            "UPDATE calls c SET cancel_requested = true,"
            " completed_at = CASE WHEN status = 'running' THEN completed_at ELSE $4::bigint END,"
            " error = CASE WHEN status = 'running' THEN error ELSE $5::text END,"
            " error_code = CASE WHEN status = 'running' THEN error_code ELSE $6::text END,"
            " status = CASE WHEN status = 'running' THEN status ELSE 'cancelled' END"
            " WHERE {} AND status IN ('queued', 'delayed', 'running')",
            in_scope
        )
    },
    find_call_{
        "find_call", fmt::format("SELECT {} FROM calls c WHERE {}", call_columns(), in_scope)
    },
    list_of_fn_{"list_calls_of_fn", list_sql("c.fn_id = $1::text")},
    list_all_{"list_calls", list_sql("$1::text = ''")},
    list_dead_{"list_dead", list_sql(fmt::format("$1::text = '' AND {}", is_dead))},
    find_request_{
        "find_request",
        fmt::format(
            "SELECT {} FROM calls c JOIN requests r ON r.call_id = c.id"
            " WHERE {} AND r.call_id = $1",
            stored::with_prefix("r", stored::request_columns),
            in_scope
        )
    },
    find_response_{
        "find_response",
        fmt::format(
            "SELECT {} FROM calls c"
            " JOIN responses r ON r.call_id = c.id AND r.attempt = c.log_attempt"
            " WHERE {} AND r.call_id = $1",
            stored::with_prefix("r", stored::response_columns),
            in_scope
        )
    },
    find_log_{
        "find_log",
        fmt::format(
            "SELECT {} FROM calls c"
            " JOIN logs l ON l.call_id = c.id AND l.attempt = c.attempt"
            " WHERE {} AND l.call_id = $1 AND l.seq >= $4::bigint ORDER BY l.seq",
            stored::with_prefix("l", stored::chunk_columns),
            in_scope
        )
    },
    insert_request_chunk_{
        "insert_request_chunk",
        "INSERT INTO blob_chunks SELECT $1::text, $2::bigint, $3::bytea"
        " WHERE EXISTS(SELECT 1 FROM requests WHERE call_id = $4::text AND blob_ref = $1)"
        " ON CONFLICT DO NOTHING"
    },
    insert_response_chunk_{
        "insert_response_chunk",
        "INSERT INTO blob_chunks SELECT $1::text, $2::bigint, $3::bytea"
        " WHERE EXISTS(SELECT 1 FROM responses WHERE call_id = $4::text"
        " AND attempt = $5::bigint AND blob_ref = $1)"
        " ON CONFLICT DO NOTHING"
    },
    find_blob_{"find_blob", "SELECT data FROM blob_chunks WHERE blob = $1::text ORDER BY seq"} {}

std::vector<Step> CallSql::claim(
    const std::string& worker_id,
    const std::string& claim,
    const std::vector<std::string>& ids,
    WallTime now
) const {
    // In order, so that two claims of the same calls do not wait for each other.
    auto sorted = ids;
    std::ranges::sort(sorted);
    std::vector<Step> steps;
    steps.push_back(step(claim_, sorted, worker_id, claim, now));
    steps.push_back(step(find_claimed_, sorted, worker_id, claim));
    return steps;
}

std::vector<Step> CallSql::hand_back(const Fence& fence, HandBack how, WallTime now) const {
    const auto end = cancelled_end();
    const int more_attempts = how == HandBack::uncounted ? 1 : 0;
    std::vector<Step> steps;
    steps.push_back(step(
        hand_back_,
        fence.call_id,
        fence.owner,
        fence.attempt,
        now,
        end.error,
        end.error_code,
        more_attempts
    ));
    steps.push_back(step(is_handed_back_, fence.call_id, fence.owner, fence.attempt));
    return steps;
}

Step CallSql::hand_back_claim(const std::string& worker_id, const std::string& claim, WallTime now)
    const {
    const auto end = cancelled_end();
    return step(hand_back_claim_, worker_id, claim, now, end.error, end.error_code, 1);
}

std::vector<Step> CallSql::progress(const std::vector<CallProgress>& entries) const {
    using enum Column::Of;
    Table states{text, text, number, text, number, text};
    for (const auto& entry : folded(entries)) {
        const auto& fence = entry.fence;
        states.add_row(
            fence.call_id,
            fence.owner,
            fence.attempt,
            to_word(entry.phase),
            entry.started_at,
            entry.waiting_for
        );
    }
    Table logs{text, text, number, number, number, number, bytes};
    for (const auto& entry : entries) {
        for (const auto& chunk : entry.logs) {
            logs.add_row(
                entry.fence.call_id,
                entry.fence.owner,
                entry.fence.attempt,
                chunk.seq,
                chunk.at,
                std::to_underlying(chunk.stream),
                Bytes{chunk.data}
            );
        }
    }
    std::vector<Step> steps;
    steps.push_back(step(progress_, states));
    if (logs.rows() > 0) steps.push_back(step(insert_logs_, logs));
    return steps;
}

std::vector<Step> CallSql::cancel(const Scope& scope, const std::string& call_id, WallTime now)
    const {
    const auto end = cancelled_end();
    std::vector<Step> steps;
    steps.push_back(
        step(cancel_, call_id, scope.app_id, scope.fn_id, now, end.error, end.error_code)
    );
    steps.push_back(find_call(scope, call_id));
    return steps;
}

Step CallSql::find_call(const Scope& scope, const std::string& call_id) const {
    return step(find_call_, call_id, scope.app_id, scope.fn_id);
}

Step CallSql::list_calls(const Scope& scope, const CallFilter& filter, const Page& page) const {
    const auto& of_all = filter.only_dead ? list_dead_ : list_all_;
    return step(
        scope.fn_id.empty() ? of_all : list_of_fn_,
        scope.fn_id,
        page.after.empty() ? past_all_ids : page.after,
        scope.app_id,
        filter.status ? to_word(*filter.status) : std::string_view{},
        filter.created_after,
        filter.created_before,
        page.items_max,
        filter.error_code,
        filter.only_dead
    );
}

Step CallSql::find_request(const Scope& scope, const std::string& call_id) const {
    return step(find_request_, call_id, scope.app_id, scope.fn_id);
}

Step CallSql::find_response(const Scope& scope, const std::string& call_id) const {
    return step(find_response_, call_id, scope.app_id, scope.fn_id);
}

std::vector<Step> CallSql::find_log(
    const Scope& scope, const std::string& call_id, std::int64_t from_seq
) const {
    std::vector<Step> steps;
    steps.push_back(find_call(scope, call_id));
    steps.push_back(step(find_log_, call_id, scope.app_id, scope.fn_id, from_seq));
    return steps;
}

Step CallSql::insert_request_chunk(
    const std::string& blob, std::int64_t seq, std::string_view bytes, const std::string& call_id
) const {
    return step(insert_request_chunk_, blob, seq, Bytes{bytes}, call_id);
}

Step CallSql::insert_response_chunk(
    const std::string& blob, std::int64_t seq, std::string_view bytes, const Fence& fence
) const {
    return step(insert_response_chunk_, blob, seq, Bytes{bytes}, fence.call_id, fence.attempt);
}

Step CallSql::find_blob(const std::string& blob) const { return step(find_blob_, blob); }

ClaimedRow read_claimed(Row& row) {
    ClaimedRow claimed;
    claimed.call = stored::read_call(row);
    claimed.fn_rev = row.number();
    claimed.app_rev = row.number();
    claimed.has_request = row.flag();
    claimed.request = stored::read_request(row);
    return claimed;
}

}  // namespace stoker::postgres
