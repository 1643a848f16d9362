#include "datastore/postgres/accept_sql.hpp"

#include <fmt/format.h>

#include "datastore/stored_rows.hpp"

namespace stoker::postgres {

namespace {

/// What the fields of a call add, roughly.
constexpr std::size_t row_bytes = 512;

/// `put` takes the values of a row of `given`.
template <class Put>
auto with_values(const AcceptedCall& accepted, Put put) {
    const CallRequest& request = accepted.call.request;
    return stored::with_values(
        accepted.call.call,
        std::move(put),
        accepted.now,
        request.method,
        Bytes{request.url},
        Bytes{accepted.headers},
        Bytes{request.content_type},
        Bytes{request.body.bytes},
        request.body.blob,
        request.body.size
    );
}

Types row_types() { return with_values({}, types_of); }

// Calls whose idempotency key another call holds. The key is taken by an earlier statement of the
// transaction, so that it is decided by now whose it is.
constexpr std::string_view replayed_text = R"sql(
replayed AS MATERIALIZED (
    SELECT k.nth, i.call_id, i.digest = k.digest AS is_same
    FROM unnest({}) AS k({}) JOIN idempotency i ON i.fn_id = k.fn_id AND i.key = k.key
    WHERE i.call_id <> k.call_id AND k.fn_id IN (SELECT id FROM known)
),)sql";

// Calls whose schedule is fired: an earlier statement of the transaction left the firing's name
// there.
constexpr std::string_view fired_text = R"sql(
fired AS MATERIALIZED (
    SELECT k.nth FROM unnest({}) AS k(nth, schedule_id, firing)
    JOIN schedules s ON s.id = k.schedule_id AND s.last_call_id = k.firing
),)sql";

// The lock of the fns' keys makes their deletion wait, which then finds the call and cancels it.
// Looking at calls is bound to the ids given, so that no plan of it grows with the table.
constexpr std::string_view accept_text = R"sql(
WITH given AS MATERIALIZED (
    SELECT * FROM unnest({arrays}) WITH ORDINALITY AS g({calls}, dispatched_at, {requests}, nth)
), known AS MATERIALIZED (
    SELECT id FROM fns WHERE id = ANY($1::text[]) ORDER BY id FOR KEY SHARE
), {decided} added AS (
    INSERT INTO calls({calls}, dispatched_at, attempt)
    SELECT {calls}, dispatched_at, 0
    FROM given g WHERE g.fn_id IN (SELECT id FROM known) {if_decided} ORDER BY g.id
    ON CONFLICT(id) DO NOTHING RETURNING id
), asked AS (
    INSERT INTO requests(call_id, {requests})
    SELECT id, {requests} FROM given g WHERE g.id IN (SELECT id FROM added)
    ON CONFLICT DO NOTHING
)
SELECT g.nth, NULL::text, false FROM given g
WHERE g.fn_id NOT IN (SELECT id FROM known)
    AND g.id NOT IN (SELECT id FROM calls WHERE id = ANY($2::text[]))
{and_told}
)sql";

constexpr std::string_view key_columns = "nth, fn_id, key, call_id, digest, expires_at";

Types key_types() {
    using enum Column::Of;
    return {number, text, text, text, text, number};
}

Types firing_types() {
    using enum Column::Of;
    return {number, text, text};
}

/// What decides about calls beside their fns, which of them it lets pass, and what else is told.
struct Decision {
    std::string with;
    std::string_view pass;
    std::string_view told;
};

/// Its parameters come behind those of the calls.
std::string parameters_behind(const Types& types) {
    return parameters(types, row_types().size() + 2, "[]");
}

Decision by_keys() {
    return {
        .with = fmt::format(replayed_text, parameters_behind(key_types()), key_columns),
        .pass = "AND g.nth NOT IN (SELECT nth FROM replayed)",
        .told = "UNION ALL SELECT nth, call_id, is_same FROM replayed",
    };
}

Decision by_firings() {
    return {
        .with = fmt::format(fired_text, parameters_behind(firing_types())),
        .pass = "AND g.nth IN (SELECT nth FROM fired)",
        .told = "",
    };
}

std::string accept_sql(const Decision& decision) {
    return fmt::format(
        accept_text,
        fmt::arg("arrays", parameters(row_types(), 2, "[]")),
        fmt::arg("calls", stored::accepted_columns),
        fmt::arg("requests", stored::request_columns),
        fmt::arg("decided", decision.with),
        fmt::arg("if_decided", decision.pass),
        fmt::arg("and_told", decision.told)
    );
}

/// In their order, so that two batches with the same keys do not wait for each other. Of equal keys
/// in a batch the first one wins.
std::string take_keys_sql() {
    return fmt::format(
        "INSERT INTO idempotency(fn_id, key, call_id, digest, expires_at)"
        " SELECT DISTINCT ON (fn_id, key) fn_id, key, call_id, digest, expires_at"
        " FROM unnest({}) AS k({}) WHERE fn_id IN"
        " (SELECT id FROM fns WHERE id = ANY($1::text[]) ORDER BY id FOR KEY SHARE)"
        " ORDER BY fn_id, key, nth ON CONFLICT DO NOTHING",
        parameters(key_types(), 2, "[]"),
        key_columns
    );
}

}  // namespace

AcceptSql::AcceptSql() :
    accept_{"accept", accept_sql({})},
    accept_keyed_{"accept_keyed", accept_sql(by_keys())},
    accept_scheduled_{"accept_scheduled", accept_sql(by_firings())},
    // In the order of the keys, as they are taken.
    drop_keys_{
        "drop_keys",
        "DELETE FROM idempotency WHERE ctid = ANY(ARRAY(SELECT i.ctid FROM idempotency i"
        " JOIN unnest($1::text[], $2::text[]) AS k(fn_id, key)"
        " ON i.fn_id = k.fn_id AND i.key = k.key"
        " WHERE i.expires_at <= $3::bigint ORDER BY i.fn_id, i.key FOR UPDATE OF i))"
    },
    take_keys_{"take_keys", take_keys_sql()} {}

std::size_t AcceptSql::bytes_of(const Item& item) {
    return row_bytes + item.headers.size() + item.call.request.body.bytes.size();
}

std::vector<Step> AcceptSql::steps(std::span<const Item* const> items) const {
    std::vector<std::string> fns;
    Table table(row_types());
    Table keys(key_types());
    Table names{Column::Of::text, Column::Of::text};
    for (const auto* item : items) {
        const auto& call = item->call.call;
        if (fns.empty() || fns.back() != call.fn_id) fns.push_back(call.fn_id);
        with_values(*item, [&table](const auto&... values) { table.add_row(values...); });
        const auto& key = item->call.idempotency;
        if (!key) continue;
        const auto until = item->now + key->lifetime;
        keys.add_row(table.rows(), call.fn_id, key->key, call.id, key->digest, until);
        names.add_row(call.fn_id, key->key);
    }
    std::vector<Step> steps;
    if (keys.rows() == 0) {
        steps.push_back(step(accept_, fns, table));
        return steps;
    }
    steps.push_back(step(drop_keys_, names, items.front()->now));
    steps.push_back(step(take_keys_, fns, keys));
    steps.push_back(step(accept_keyed_, fns, table, keys));
    return steps;
}

Step AcceptSql::of_schedules(
    const std::vector<std::string>& fns, const std::vector<ScheduledCall>& calls
) const {
    Table table(row_types());
    Table firings(firing_types());
    for (const auto& call : calls) {
        with_values(call.accepted, [&table](const auto&... values) { table.add_row(values...); });
        firings.add_row(table.rows(), call.schedule_id, call.firing);
    }
    return step(accept_scheduled_, fns, table, firings);
}

std::vector<Result<AcceptSql::Value>> AcceptSql::read(
    const Rows& answer, std::span<const Item* const> items
) {
    std::vector<Result<Value>> results;
    results.reserve(items.size());
    for (const auto* item : items) results.emplace_back(item->call.call.id);
    for (int i = 0; i < answer.size(); ++i) {
        auto row = answer.at(i);
        auto& result = results.at(row.number<std::size_t>() - 1);
        auto holder = row.optional_text();
        const bool is_same = row.flag();
        if (!holder) {
            result = fail(Errc::fn_not_found);
        } else if (is_same) {
            result = std::move(*holder);
        } else {
            result = fail(Errc::idempotency_mismatch);
        }
    }
    return results;
}

}  // namespace stoker::postgres
