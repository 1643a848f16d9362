#include "api/error_response.hpp"

#include "common/json_text.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {

/// Seconds after which trying again may help; 0 for errors that time does not cure.
int retry_after_s(const Error& error) {
    if (error.retry_after_s > 0) return error.retry_after_s;
    switch (error.code) {
        case Errc::server_busy:
        case Errc::engine_unavailable: return 15;
        case Errc::store_full: return 30;
        case Errc::shutting_down:
        case Errc::queue_full: return 5;
        case Errc::store_unavailable: return 2;
        case Errc::fn_queue_full:
        case Errc::would_expire:
        case Errc::outcome_unknown:
        case Errc::call_not_ended: return 1;
        default: return spec_of(error.code).status == 503 ? 15 : 0;
    }
}

Errc errc_of(HttpFault fault) {
    switch (fault) {
        case HttpFault::uri_too_long: return Errc::uri_too_long;
        case HttpFault::headers_too_large: return Errc::headers_too_large;
        case HttpFault::bad_expectation: return Errc::expectation_failed;
        case HttpFault::body_too_large: return Errc::body_too_large;
        case HttpFault::timed_out: return Errc::request_timeout;
        case HttpFault::too_many_connections: return Errc::server_busy;
        case HttpFault::handler_failed: return Errc::internal;
        case HttpFault::malformed:
        case HttpFault::bad_version:
        case HttpFault::closed: break;
    }
    return Errc::invalid_request;
}

std::string message_of(HttpFault fault) {
    switch (fault) {
        case HttpFault::malformed: return "Malformed request";
        case HttpFault::bad_version: return "HTTP version not supported";
        case HttpFault::closed: return "Connection closed";
        case HttpFault::too_many_connections: return "Too many connections";
        default: return {};
    }
}

}  // namespace

Response error_response(const Error& error, IdSource& ids) {
    const auto& spec = spec_of(error.code);
    std::string error_id;
    if (error.code == Errc::internal) error_id = ids.next();
    if (!error_id.empty() || !error.detail.empty()) {
        log::error(
            "api.error", {{"code", spec.word}, {"error_id", error_id}, {"detail", error.detail}}
        );
    }
    Response response{
        spec.status, {{"Content-Type", "application/json; charset=utf-8"}}, R"({"message":)"
    };
    append_json_string(response.body, error.text());
    response.body += R"(,"code":)";
    append_json_string(response.body, spec.word);
    if (!error_id.empty()) {
        response.body += R"(,"error_id":)";
        append_json_string(response.body, error_id);
    }
    response.body += "}\n";
    if (const int after = retry_after_s(error); after > 0) {
        response.headers.emplace_back("Retry-After", std::to_string(after));
    }
    return response;
}

Error error_of(HttpFault fault, const Request& request, std::uint64_t body_bytes_max) {
    Error error{errc_of(fault), message_of(fault), {}};
    if (fault == HttpFault::body_too_large && request.content_length.value_or(0) > body_bytes_max) {
        error.message = "Content-Length too large for this server, " +
                        std::to_string(*request.content_length) + " > max " +
                        std::to_string(body_bytes_max);
    }
    return error;
}

Response refusal_response(HttpFault fault, IdSource& ids) {
    auto response = error_response({errc_of(fault), message_of(fault), {}}, ids);
    // Too rare for a row of the error table.
    if (fault == HttpFault::bad_version) response.status = 505;
    return response;
}

}  // namespace stoker
