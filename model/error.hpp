#pragma once

// Expected failures are values. One table gives every Errc its HTTP status, its stable word and its
// default message (the texts are Fn's where Fn has one); api turns an Error into an answer with it
// and nothing else does. Exceptions are for bugs and bad start-up only.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace stoker {

enum class Errc : std::uint8_t {
    // The request cannot be understood or is not allowed.
    invalid_request,
    invalid_json,
    invalid_cursor,
    path_not_found,
    method_not_allowed,
    request_timeout,
    conflict,
    length_required,
    body_too_large,
    uri_too_long,
    headers_too_large,
    not_acceptable,
    expectation_failed,
    detached_not_supported,
    // The thing named does not exist, or not yet.
    app_not_found,
    fn_not_found,
    call_not_found,
    call_log_not_found,
    call_response_not_found,
    call_not_ended,
    call_ended,
    idempotency_mismatch,
    call_not_dead,
    schedule_not_found,
    // Not now.
    server_busy,
    shutting_down,
    queue_full,
    fn_queue_full,
    would_expire,
    store_unavailable,
    store_full,
    outcome_unknown,
    engine_unavailable,
    engine_failed,
    no_worker,
    // The function or its container failed; these words appear as a call's error_code.
    function_failed,
    function_timeout,
    container_exit,
    out_of_memory,
    init_failed,
    init_timeout,
    image_not_found,
    pull_failed,
    pull_timeout,
    pull_denied,
    image_has_volume,
    worker_lost,
    expired,
    cancelled,
    response_too_large,
    impossible_memory,
    internal,
};

struct Error {
    Errc code = Errc::internal;
    std::string message;    ///< for the user; empty means the table's text
    std::string detail;     ///< for the log only
    int retry_after_s = 0;  ///< when trying again may help, if more is known than the code

    /// The message, or the table's text for the code.
    std::string_view text() const;
};

template <class T>
using Result = std::expected<T, Error>;

struct ErrorSpec {
    Errc code;
    int status;             ///< HTTP
    std::string_view word;  ///< stable, snake_case
    std::string_view message;
};

const ErrorSpec& spec_of(Errc code);
/// The code of a stable word.
std::optional<Errc> parse_errc(std::string_view word);

/// `return fail(Errc::app_not_found);`
inline std::unexpected<Error> fail(Errc code, std::string message = {}, std::string detail = {}) {
    return std::unexpected(Error{code, std::move(message), std::move(detail)});
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace stoker
