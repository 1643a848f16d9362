#include "datastore/postgres/finish_sql.hpp"

#include <fmt/format.h>

#include "datastore/stored_rows.hpp"

namespace stoker::postgres {

namespace {

/// What the fields of an end, a response and a log chunk add, roughly.
constexpr std::size_t row_bytes = 256;

// Of two ends of one execution in a batch one wins, and brings its own response: they are told
// apart by their place. An attempt with a time to run again at is not the last: then the call is
// delayed, unless it is to be cancelled, which is granted here, for nobody will run it again.
constexpr std::string_view finish_text = R"sql(
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::text[], $9::text[], $10::text[]
    ) WITH ORDINALITY AS g(
        id, owner, attempt, status, run_at, completed_at, started_at, error, error_code, stats, nth
    )
), won AS (
    UPDATE calls c SET run_at = coalesce(g.run_at, c.run_at),
        dispatched_at = CASE WHEN {is_last} THEN c.dispatched_at ELSE 0 END,
        phase = CASE WHEN {is_last} THEN c.phase END,
        waiting_for = CASE WHEN {is_last} THEN c.waiting_for END,
        claimed_at = CASE WHEN {is_last} THEN c.claimed_at END,
        started_at = CASE WHEN {is_last} THEN coalesce(g.started_at, c.started_at) END,
        completed_at = CASE WHEN {is_last} OR c.cancel_requested THEN g.completed_at END,
        error = CASE WHEN {is_last} OR NOT c.cancel_requested THEN g.error ELSE $26::text END,
        error_code =
            CASE WHEN {is_last} OR NOT c.cancel_requested THEN g.error_code ELSE $27::text END,
        log_attempt = CASE WHEN {is_last} THEN c.attempt END,
        status = CASE WHEN {is_last} THEN g.status WHEN c.cancel_requested THEN 'cancelled'
            ELSE 'delayed' END,
        stats = g.stats
    FROM given g
    WHERE c.id = ANY($1::text[]) AND c.id = g.id AND c.status = 'running' AND c.owner = g.owner
        AND c.attempt = g.attempt
    RETURNING g.nth
), answered AS (
    INSERT INTO responses(call_id, attempt, {response})
    SELECT call_id, attempt, {response}
    FROM unnest(
        $11::bigint[], $12::text[], $13::bigint[], $14::bigint[], $15::bytea[], $16::bytea[],
        $17::text[], $18::bigint[]
    ) AS r(nth, call_id, attempt, {response})
    WHERE r.nth IN (SELECT nth FROM won)
    ON CONFLICT DO NOTHING
)
INSERT INTO logs(call_id, attempt, {chunk})
SELECT call_id, attempt, {chunk}
FROM unnest(
    $19::bigint[], $20::text[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[],
    $25::bytea[]
) AS l(nth, call_id, attempt, {chunk})
WHERE l.nth IN (SELECT nth FROM won)
ON CONFLICT DO NOTHING
)sql";

std::string finish_sql() {
    return fmt::format(
        finish_text,
        fmt::arg("is_last", "g.run_at IS NULL"),
        fmt::arg("response", stored::response_columns),
        fmt::arg("chunk", stored::chunk_columns)
    );
}

// A statement of its own, so that it sees what the one before it did.
constexpr auto find_finished_text = R"sql(
SELECT g.nth
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[]) WITH ORDINALITY
    AS g(id, owner, attempt, status, run_at, nth)
JOIN calls c ON c.id = g.id
WHERE c.id = ANY($1::text[]) AND c.owner = g.owner AND c.attempt = g.attempt AND CASE
    WHEN g.run_at IS NULL THEN c.log_attempt = g.attempt AND c.status = g.status
    ELSE c.status IN ('delayed', 'queued', 'cancelled') END
)sql";

struct Tables {
    Table fences{
        Column::Of::text, Column::Of::text, Column::Of::number, Column::Of::text, Column::Of::number
    };
    Table ends{
        Column::Of::number, Column::Of::number, Column::Of::text, Column::Of::text, Column::Of::text
    };
    Table responses{
        Column::Of::number,
        Column::Of::text,
        Column::Of::number,
        Column::Of::number,
        Column::Of::bytes,
        Column::Of::bytes,
        Column::Of::text,
        Column::Of::number
    };
    Table logs{
        Column::Of::number,
        Column::Of::text,
        Column::Of::number,
        Column::Of::number,
        Column::Of::number,
        Column::Of::number,
        Column::Of::bytes
    };

    void add(const EndedCall& ended) {
        const auto& [fence, end, started_at, response, chunks, stats] = ended.finished;
        const bool has_stats = stats && !ended.run_at;
        const auto stats_text = has_stats ? std::optional(dump(*stats)) : std::nullopt;
        fences.add_row(
            fence.call_id, fence.owner, fence.attempt, to_word(end.status), ended.run_at
        );
        ends.add_row(ended.now, started_at, end.error, end.error_code, stats_text);
        const auto nth = fences.rows();
        if (response) {
            responses.add_row(
                nth,
                fence.call_id,
                fence.attempt,
                response->status,
                Bytes{response->head},
                Bytes{response->body.bytes},
                response->body.blob,
                response->body.size
            );
        }
        for (const auto& chunk : chunks) {
            logs.add_row(
                nth,
                fence.call_id,
                fence.attempt,
                chunk.seq,
                chunk.at,
                std::to_underlying(chunk.stream),
                Bytes{chunk.data}
            );
        }
    }
};

}  // namespace

FinishSql::FinishSql() :
    finish_{"finish", finish_sql()},
    find_finished_{"find_finished", find_finished_text} {}

std::size_t FinishSql::bytes_of(const Item& item) {
    const auto& finished = item.finished;
    auto bytes = row_bytes;
    if (finished.response) {
        bytes += row_bytes + finished.response->head.size() + finished.response->body.bytes.size();
    }
    for (const auto& chunk : finished.logs) bytes += row_bytes + chunk.data.size();
    return bytes;
}

std::vector<Step> FinishSql::steps(std::span<const Item* const> items) const {
    Tables tables;
    for (const auto* item : items) tables.add(*item);
    std::vector<Step> steps;
    const auto cancelled = end_of({.code = Errc::cancelled, .message = {}, .detail = {}});
    steps.push_back(step(
        finish_,
        tables.fences,
        tables.ends,
        tables.responses,
        tables.logs,
        cancelled.error,
        cancelled.error_code
    ));
    steps.push_back(step(find_finished_, tables.fences));
    return steps;
}

std::vector<Result<bool>> FinishSql::read(const Rows& answer, std::span<const Item* const> items) {
    std::vector<Result<bool>> results(items.size(), false);
    for (int i = 0; i < answer.size(); ++i) {
        results.at(answer.at(i).number<std::size_t>() - 1) = true;
    }
    return results;
}

}  // namespace stoker::postgres
