#include "datastore/sqlite/call_row.hpp"

#include "model/json.hpp"

namespace stoker::sqlite {

namespace {

/// An unknown word can only have been written by a newer program; such a call is not touched.
CallStatus status_from(const std::string& word) {
    return parse_call_status(word).value_or(CallStatus::error);
}

CallPhase phase_from(const std::optional<std::string>& word) {
    if (!word) return CallPhase::queued;
    return parse_call_phase(*word).value_or(CallPhase::queued);
}

/// Calls accepted before functions had a format have none in their row.
FnFormat format_from(const std::optional<std::string>& word) {
    if (!word) return FnFormat::http_stream;
    return parse_fn_format(*word).value_or(FnFormat::http_stream);
}

}  // namespace

Call read_call(Query& row) {
    Call call;
    call.id = row.text();
    call.app_id = row.text();
    call.fn_id = row.text();
    call.fn_rev = row.number();
    call.status = status_from(row.text());
    call.phase = phase_from(row.optional_text());
    call.waiting_for = row.text();
    call.priority = row.number<int>();
    call.attempt = row.number<int>();
    call.max_attempts = row.number<int>();
    call.image = row.text();
    call.format = format_from(row.optional_text());
    call.memory = row.number<std::uint64_t>();
    call.cpus = row.number<std::uint64_t>();
    call.tmpfs_size = row.number<std::uint32_t>();
    call.timeout = row.number<std::int32_t>();
    call.idle_timeout = row.number<std::int32_t>();
    call.error = row.text();
    call.error_code = row.text();
    call.created_at = row.time();
    call.claimed_at = row.optional_time();
    call.started_at = row.optional_time();
    call.completed_at = row.optional_time();
    if (const auto stats = row.optional_text()) call.stats = stats_from_text(*stats);
    call.run_at = row.optional_time();
    call.retry_on = RetryOutcomes(row.number<std::uint8_t>());
    call.retry_base_ms = row.number();
    call.retry_cap_ms = row.number();
    call.cancel_requested = row.number() != 0;
    call.expires_at = row.optional_time();
    call.redriven_from = row.text();
    const bool is_held = !row.optional_time() && call.status == CallStatus::queued;
    if (is_held) call.waiting_for = "its function is paused";
    return call;
}

MovedCall read_moved(Query& row) {
    MovedCall moved;
    moved.id = row.text();
    moved.fn_id = row.text();
    moved.status = status_from(row.text());
    moved.attempt = row.number<int>();
    moved.priority = row.number<int>();
    return moved;
}

BodyRef read_body(Query& row) {
    BodyRef body;
    body.bytes = row.text();
    body.blob = row.text();
    body.size = row.number<std::uint64_t>();
    return body;
}

}  // namespace stoker::sqlite
