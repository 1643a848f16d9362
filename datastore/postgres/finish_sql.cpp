#include "datastore/postgres/finish_sql.hpp"

#include "model/json.hpp"

namespace stoker::postgres {

namespace {

/// What the fields of an end, a response and a log chunk add, roughly.
constexpr std::size_t row_bytes = 256;

// Of two ends of one execution in a batch one wins, and brings its own response: they are told
// apart by their place.
constexpr auto finish_text = R"sql(
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[],
        $8::text[], $9::text[]
    ) WITH ORDINALITY AS g(
        id, owner, attempt, status, completed_at, started_at, error, error_code, stats, nth
    )
), won AS (
    UPDATE calls c SET completed_at = g.completed_at,
        started_at = coalesce(g.started_at, c.started_at), error = g.error,
        error_code = g.error_code, log_attempt = c.attempt, status = g.status, stats = g.stats
    FROM given g
    WHERE c.id = ANY($1::text[]) AND c.id = g.id AND c.status = 'running' AND c.owner = g.owner
        AND c.attempt = g.attempt
    RETURNING g.nth
), answered AS (
    INSERT INTO responses(call_id, attempt, status, head, body, blob_ref, body_size)
    SELECT r.call_id, r.attempt, r.status, r.head, r.body, r.blob_ref, r.body_size
    FROM unnest(
        $10::bigint[], $11::text[], $12::bigint[], $13::bigint[], $14::bytea[], $15::bytea[],
        $16::text[], $17::bigint[]
    ) AS r(nth, call_id, attempt, status, head, body, blob_ref, body_size)
    WHERE r.nth IN (SELECT nth FROM won)
    ON CONFLICT DO NOTHING
)
INSERT INTO logs(call_id, attempt, seq, at_ms, stream, data)
SELECT l.call_id, l.attempt, l.seq, l.at_ms, l.stream, l.data
FROM unnest(
    $18::bigint[], $19::text[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[],
    $24::bytea[]
) AS l(nth, call_id, attempt, seq, at_ms, stream, data)
WHERE l.nth IN (SELECT nth FROM won)
ON CONFLICT DO NOTHING
)sql";

// A statement of its own, so that it sees what the one before it did.
constexpr auto find_finished_text = R"sql(
SELECT g.nth
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) WITH ORDINALITY
    AS g(id, owner, attempt, status, nth)
JOIN calls c ON c.id = g.id
WHERE c.id = ANY($1::text[]) AND c.owner = g.owner AND c.log_attempt = g.attempt
    AND c.status = g.status
)sql";

struct Tables {
    Table fences{Column::Of::text, Column::Of::text, Column::Of::number, Column::Of::text};
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
        const auto stats_text = stats ? std::optional(dump(*stats)) : std::nullopt;
        fences.add_row(fence.call_id, fence.owner, fence.attempt, to_word(end.status));
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
    finish_{"finish", finish_text},
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
    steps.push_back(step(finish_, tables.fences, tables.ends, tables.responses, tables.logs));
    steps.push_back(step(find_finished_, tables.fences));
    return steps;
}

std::vector<Result<bool>> FinishSql::read(const Answer& answer, std::size_t items) {
    std::vector<Result<bool>> results(items, false);
    const auto& finished = answer.back();
    for (int i = 0; i < finished.size(); ++i) {
        results.at(finished.at(i).number<std::size_t>() - 1) = true;
    }
    return results;
}

}  // namespace stoker::postgres
