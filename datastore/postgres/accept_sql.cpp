#include "datastore/postgres/accept_sql.hpp"

namespace stoker::postgres {

namespace {

/// What the fields of a call add, roughly.
constexpr std::size_t row_bytes = 512;

// The lock of the fns' keys makes their deletion wait, which then finds the call and cancels it.
// Looking at calls is bound to the ids given, so that no plan of it grows with the table.
constexpr auto accept_text = R"sql(
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
        $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
        $15::bigint[], $16::bigint[], $17::text[], $18::bytea[], $19::bytea[], $20::bytea[],
        $21::bytea[], $22::text[], $23::bigint[]
    ) WITH ORDINALITY AS g(
        id, app_id, fn_id, fn_rev, priority, max_attempts, image,
        format, memory, cpus, tmpfs_size, timeout, idle_timeout,
        created_at, dispatched_at, method, url, headers, content_type,
        body, blob_ref, body_size, nth
    )
), known AS MATERIALIZED (
    SELECT id FROM fns WHERE id = ANY($1::text[]) ORDER BY id FOR KEY SHARE
), added AS (
    INSERT INTO calls(
        id, app_id, fn_id, fn_rev, status, priority, attempt, max_attempts, image, format, memory,
        cpus, tmpfs_size, timeout, idle_timeout, created_at, dispatched_at
    )
    SELECT g.id, g.app_id, g.fn_id, g.fn_rev, 'queued', g.priority, 0, g.max_attempts, g.image,
        g.format, g.memory, g.cpus, g.tmpfs_size, g.timeout, g.idle_timeout, g.created_at,
        g.dispatched_at
    FROM given g WHERE g.fn_id IN (SELECT id FROM known) ORDER BY g.id
    ON CONFLICT(id) DO NOTHING RETURNING id
), asked AS (
    INSERT INTO requests(call_id, method, url, headers, content_type, body, blob_ref, body_size)
    SELECT g.id, g.method, g.url, g.headers, g.content_type, g.body, g.blob_ref, g.body_size
    FROM given g WHERE g.id IN (SELECT id FROM added)
    ON CONFLICT DO NOTHING
)
SELECT g.nth FROM given g
WHERE g.fn_id NOT IN (SELECT id FROM known)
    AND g.id NOT IN (SELECT id FROM calls WHERE id = ANY($2::text[]))
)sql";

Table make_table() {
    using enum Column::Of;
    return {text,   text,   text,   number, number, number, text,  text,  number, number, number,
            number, number, number, number, text,   bytes,  bytes, bytes, bytes,  text,   number};
}

void add_row(Table& table, const AcceptedCall& accepted) {
    const Call& call = accepted.call.call;
    const CallRequest& request = accepted.call.request;
    table.add_row(
        call.id,
        call.app_id,
        call.fn_id,
        call.fn_rev,
        call.priority,
        call.max_attempts,
        call.image,
        to_word(call.format),
        call.memory,
        call.cpus,
        call.tmpfs_size,
        call.timeout,
        call.idle_timeout,
        call.created_at,
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

}  // namespace

AcceptSql::AcceptSql() : accept_{"accept", accept_text} {}

std::size_t AcceptSql::bytes_of(const Item& item) {
    return row_bytes + item.headers.size() + item.call.request.body.bytes.size();
}

std::vector<Step> AcceptSql::steps(std::span<const Item* const> items) const {
    std::vector<std::string> fns;
    auto table = make_table();
    for (const auto* item : items) {
        const auto& fn_id = item->call.call.fn_id;
        if (fns.empty() || fns.back() != fn_id) fns.push_back(fn_id);
        add_row(table, *item);
    }
    std::vector<Step> steps;
    steps.push_back(step(accept_, fns, table));
    return steps;
}

std::vector<Result<AcceptSql::Value>> AcceptSql::read(const Answer& answer, std::size_t items) {
    std::vector<Result<Value>> results(items);
    const auto& refused = answer.front();
    for (int i = 0; i < refused.size(); ++i) {
        const auto nth = refused.at(i).number<std::size_t>();
        results.at(nth - 1) = fail(Errc::fn_not_found);
    }
    return results;
}

}  // namespace stoker::postgres
