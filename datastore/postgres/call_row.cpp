#include "datastore/postgres/call_row.hpp"

#include "model/json.hpp"

namespace stoker::postgres {

namespace {

/// An unknown word can only have been written by a newer program; such a call is not touched.
CallStatus status_from(const std::string& word) {
    return parse_call_status(word).value_or(CallStatus::error);
}

}  // namespace

Call read_call(Row& row) {
    Call call;
    call.id = row.text();
    call.app_id = row.text();
    call.fn_id = row.text();
    call.fn_rev = row.number();
    call.status = status_from(row.text());
    call.phase = parse_call_phase(row.text()).value_or(CallPhase::queued);
    call.waiting_for = row.text();
    call.priority = row.number<int>();
    call.attempt = row.number<int>();
    call.max_attempts = row.number<int>();
    call.image = row.text();
    call.format = parse_fn_format(row.text()).value_or(FnFormat::http_stream);
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
    return call;
}

MovedCall read_moved(Row& row) {
    MovedCall moved;
    moved.id = row.text();
    moved.fn_id = row.text();
    moved.status = status_from(row.text());
    moved.attempt = row.number<int>();
    moved.priority = row.number<int>();
    return moved;
}

BodyRef read_body(Row& row) {
    BodyRef body;
    body.bytes = row.text();
    body.blob = row.text();
    body.size = row.number<std::uint64_t>();
    return body;
}

CallRequest read_request(Row& row) {
    CallRequest request;
    request.method = row.text();
    request.url = row.text();
    request.headers = headers_from_text(row.text());
    request.content_type = row.text();
    request.body = read_body(row);
    return request;
}

}  // namespace stoker::postgres
