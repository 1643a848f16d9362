#pragma once

// The columns of apps, fns and calls, which every SQL backend has alike: in which order they are
// selected, read and written. A backend brings a Row (columns from left to right: text(), number(),
// flag(), time() and their optional forms), or a `put` that takes the values. Private to datastore.

#include <fmt/format.h>

#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>

#include "datastore/datastore.hpp"
#include "model/json.hpp"

namespace stoker::stored {

/// What a change of an app writes; the others never change.
inline constexpr std::string_view changed_app_columns =
    "config, annotations, syslog_url, updated_at";
inline constexpr std::string_view app_columns =
    "id, name, created_at, config, annotations, syslog_url, updated_at";
inline constexpr std::string_view changed_fn_columns =
    "image, type, format, memory, cpus, tmpfs_size, timeout, idle_timeout, max_attempts, retry_on, "
    "retry_base_ms, retry_cap_ms, priority, max_age, max_concurrency, min_idle, config, "
    "annotations, rev, updated_at";
inline constexpr std::string_view moved_columns = "id, fn_id, status, attempt, priority";
inline constexpr std::string_view request_columns =
    "method, url, headers, content_type, body, blob_ref, body_size";
inline constexpr std::string_view response_columns = "status, head, body, blob_ref, body_size";
inline constexpr std::string_view chunk_columns = "seq, at_ms, stream, data";
/// What a call is accepted with.
inline constexpr std::string_view accepted_columns =
    "id, app_id, fn_id, fn_rev, status, priority, max_attempts, image, format, memory, cpus, "
    "tmpfs_size, timeout, idle_timeout, created_at, run_at, retry_on, retry_base_ms, retry_cap_ms, "
    "expires_at, redriven_from";

/// What an fn is added with.
inline std::string added_fn_columns() {
    return fmt::format("id, app_id, name, created_at, {}", changed_fn_columns);
}

inline std::string fn_columns() { return added_fn_columns() + ", paused"; }

/// Behind them a backend selects whether the call waits, but is held.
inline std::string call_columns() {
    return fmt::format(
        "{}, phase, waiting_for, attempt, cancel_requested, error, error_code, claimed_at, "
        "started_at, completed_at, stats",
        accepted_columns
    );
}

/// Each column with the name of its table.
inline std::string with_prefix(std::string_view table, std::string_view columns) {
    std::string prefixed;
    for (const auto column : std::views::split(columns, std::string_view(", "))) {
        prefixed +=
            fmt::format("{}{}.{}", prefixed.empty() ? "" : ", ", table, std::string_view(column));
    }
    return prefixed;
}

/// An unknown word can only have been written by a newer program; such a call is not touched.
inline CallStatus status_from(const std::string& word) {
    return parse_call_status(word).value_or(CallStatus::error);
}

template <class Row>
App read_app(Row& row) {
    App app;
    app.id = row.text();
    app.name = row.text();
    app.created_at = row.time();
    app.config = config_from_text(row.text());
    app.annotations = annotations_from_text(row.text());
    app.syslog_url = row.optional_text();
    app.updated_at = row.time();
    return app;
}

template <class Row>
Fn read_fn(Row& row) {
    Fn fn;
    fn.id = row.text();
    fn.app_id = row.text();
    fn.name = row.text();
    fn.created_at = row.time();
    fn.image = row.text();
    fn.type = parse_invoke_type(row.text()).value_or(InvokeType::sync);
    fn.format = parse_fn_format(row.text()).value_or(FnFormat::http_stream);
    fn.memory = row.template number<std::uint64_t>();
    fn.cpus = row.template number<std::uint64_t>();
    fn.tmpfs_size = row.template number<std::uint32_t>();
    fn.timeout = row.template number<std::int32_t>();
    fn.idle_timeout = row.template number<std::int32_t>();
    fn.retry.max_attempts = row.template number<int>();
    fn.retry.on = RetryOutcomes(row.template number<std::uint8_t>());
    fn.retry.base_ms = row.number();
    fn.retry.cap_ms = row.number();
    fn.priority = row.template number<int>();
    fn.max_age = row.template number<std::int32_t>();
    fn.max_concurrency = row.template number<std::int32_t>();
    fn.min_idle = row.template number<std::int32_t>();
    fn.config = config_from_text(row.text());
    fn.annotations = annotations_from_text(row.text());
    fn.rev = row.number();
    fn.updated_at = row.time();
    fn.paused = row.flag();
    return fn;
}

template <class Row>
void read_accepted(Row& row, Call& call) {
    call.id = row.text();
    call.app_id = row.text();
    call.fn_id = row.text();
    call.fn_rev = row.number();
    call.status = status_from(row.text());
    call.priority = row.template number<int>();
    call.max_attempts = row.template number<int>();
    call.image = row.text();
    // Calls accepted before functions had a format have none in their row.
    call.format = parse_fn_format(row.text()).value_or(FnFormat::http_stream);
    call.memory = row.template number<std::uint64_t>();
    call.cpus = row.template number<std::uint64_t>();
    call.tmpfs_size = row.template number<std::uint32_t>();
    call.timeout = row.template number<std::int32_t>();
    call.idle_timeout = row.template number<std::int32_t>();
    call.created_at = row.time();
    call.run_at = row.optional_time();
    call.retry_on = RetryOutcomes(row.template number<std::uint8_t>());
    call.retry_base_ms = row.number();
    call.retry_cap_ms = row.number();
    call.expires_at = row.optional_time();
    call.redriven_from = row.text();
}

template <class Row>
Call read_call(Row& row) {
    Call call;
    read_accepted(row, call);
    call.phase = parse_call_phase(row.text()).value_or(CallPhase::queued);
    call.waiting_for = row.text();
    call.attempt = row.template number<int>();
    call.cancel_requested = row.flag();
    call.error = row.text();
    call.error_code = row.text();
    call.claimed_at = row.optional_time();
    call.started_at = row.optional_time();
    call.completed_at = row.optional_time();
    if (const auto stats = row.optional_text()) call.stats = stats_from_text(*stats);
    const bool is_held = row.flag();
    if (is_held) call.waiting_for = "its function is paused";
    return call;
}

template <class Row>
MovedCall read_moved(Row& row) {
    MovedCall moved;
    moved.id = row.text();
    moved.fn_id = row.text();
    moved.status = status_from(row.text());
    moved.attempt = row.template number<int>();
    moved.priority = row.template number<int>();
    return moved;
}

template <class Row>
BodyRef read_body(Row& row) {
    BodyRef body;
    body.bytes = row.text();
    body.blob = row.text();
    body.size = row.template number<std::uint64_t>();
    return body;
}

template <class Row>
CallRequest read_request(Row& row) {
    CallRequest request;
    request.method = row.text();
    request.url = row.text();
    request.headers = headers_from_text(row.text());
    request.content_type = row.text();
    request.body = read_body(row);
    return request;
}

template <class Row>
CallResponse read_response(Row& row) {
    CallResponse response;
    response.status = row.template number<int>();
    response.head = row.text();
    response.body = read_body(row);
    return response;
}

template <class Row>
LogChunk read_chunk(Row& row) {
    LogChunk chunk;
    chunk.seq = row.number();
    chunk.at = row.time();
    chunk.stream = row.number() == 2 ? LogStream::err : LogStream::out;
    chunk.data = row.text();
    return chunk;
}

/// `put` takes the values of changed_app_columns, after `before`.
template <class Put, class... Before>
auto with_changed_values(const App& app, Put put, const Before&... before) {
    return put(
        before...,
        dump(app.config),
        dump_annotations(app.annotations),
        app.syslog_url,
        app.updated_at
    );
}

/// `put` takes the values of app_columns.
template <class Put>
auto with_values(const App& app, Put put) {
    return with_changed_values(app, std::move(put), app.id, app.name, app.created_at);
}

/// `put` takes the values of changed_fn_columns, after `before`.
template <class Put, class... Before>
auto with_changed_values(const Fn& fn, Put put, const Before&... before) {
    return put(
        before...,
        fn.image,
        to_word(fn.type),
        to_word(fn.format),
        fn.memory,
        fn.cpus,
        fn.tmpfs_size,
        fn.timeout,
        fn.idle_timeout,
        fn.retry.max_attempts,
        fn.retry.on.bits(),
        fn.retry.base_ms,
        fn.retry.cap_ms,
        fn.priority,
        fn.max_age,
        fn.max_concurrency,
        fn.min_idle,
        dump(fn.config),
        dump_annotations(fn.annotations),
        fn.rev,
        fn.updated_at
    );
}

/// `put` takes the values of added_fn_columns().
template <class Put>
auto with_values(const Fn& fn, Put put) {
    return with_changed_values(fn, std::move(put), fn.id, fn.app_id, fn.name, fn.created_at);
}

/// `put` takes the values of accepted_columns, before `more`.
template <class Put, class... More>
auto with_values(const Call& call, Put put, const More&... more) {
    const auto redriven_from =
        call.redriven_from.empty() ? std::nullopt : std::optional(call.redriven_from);
    return put(
        call.id,
        call.app_id,
        call.fn_id,
        call.fn_rev,
        to_word(call.status),
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
        call.run_at,
        call.retry_on.bits(),
        call.retry_base_ms,
        call.retry_cap_ms,
        call.expires_at,
        redriven_from,
        more...
    );
}

}  // namespace stoker::stored
