#include "model/error.hpp"

#include <array>
#include <cassert>

namespace stoker {

namespace {

constexpr std::array specs{
    ErrorSpec{Errc::invalid_request, 400, "invalid_request", "Invalid request"},
    ErrorSpec{Errc::invalid_json, 400, "invalid_json", "Invalid JSON"},
    ErrorSpec{Errc::invalid_cursor, 400, "invalid_cursor", "Invalid cursor"},
    ErrorSpec{Errc::path_not_found, 404, "path_not_found", "Path not found"},
    ErrorSpec{Errc::method_not_allowed, 405, "method_not_allowed", "Method not allowed"},
    ErrorSpec{Errc::request_timeout, 408, "request_timeout", "Request timed out"},
    ErrorSpec{Errc::conflict, 409, "conflict", "Conflict"},
    ErrorSpec{Errc::length_required, 411, "length_required", "Content-Length required"},
    ErrorSpec{Errc::body_too_large, 413, "body_too_large", "Request content too large"},
    ErrorSpec{Errc::uri_too_long, 414, "uri_too_long", "Request URI too long"},
    ErrorSpec{Errc::headers_too_large, 431, "headers_too_large", "Request headers too large"},
    ErrorSpec{
        Errc::not_acceptable,
        406,
        "not_acceptable",
        "unable to respond within acceptable response content types"
    },
    ErrorSpec{Errc::expectation_failed, 417, "expectation_failed", "Expectation failed"},
    ErrorSpec{
        Errc::detached_not_supported,
        501,
        "detached_not_supported",
        "Detach call functions are not supported on this server"
    },
    ErrorSpec{Errc::app_not_found, 404, "app_not_found", "App not found"},
    ErrorSpec{Errc::fn_not_found, 404, "fn_not_found", "Fn not found"},
    ErrorSpec{Errc::call_not_found, 404, "call_not_found", "Call not found"},
    ErrorSpec{Errc::call_log_not_found, 404, "call_log_not_found", "Call log not found"},
    ErrorSpec{
        Errc::call_response_not_found, 404, "call_response_not_found", "Call response not found"
    },
    ErrorSpec{Errc::call_not_ended, 409, "call_not_ended", "Call has not ended"},
    ErrorSpec{Errc::call_ended, 409, "call_ended", "Call has ended"},
    ErrorSpec{
        Errc::idempotency_mismatch,
        422,
        "idempotency_mismatch",
        "The Idempotency-Key was used for another request"
    },
    ErrorSpec{
        Errc::call_not_dead, 409, "call_not_dead", "Only calls that ended badly can be redriven"
    },
    ErrorSpec{Errc::schedule_not_found, 404, "schedule_not_found", "Schedule not found"},
    ErrorSpec{Errc::server_busy, 503, "server_busy", "Timed out - server too busy"},
    ErrorSpec{Errc::shutting_down, 503, "shutting_down", "Server is shutting down"},
    ErrorSpec{Errc::queue_full, 503, "queue_full", "Too many calls are waiting"},
    ErrorSpec{
        Errc::fn_queue_full, 429, "fn_queue_full", "Too many calls of this function are waiting"
    },
    ErrorSpec{
        Errc::would_expire, 429, "would_expire", "The call would expire before its turn comes"
    },
    ErrorSpec{Errc::store_unavailable, 503, "store_unavailable", "The datastore does not answer"},
    ErrorSpec{Errc::store_full, 503, "store_full", "The datastore is full"},
    ErrorSpec{
        Errc::outcome_unknown,
        503,
        "outcome_unknown",
        "The call may or may not have been accepted; it is safe to look it up by its id"
    },
    ErrorSpec{
        Errc::engine_unavailable, 503, "engine_unavailable", "The container engine does not answer"
    },
    ErrorSpec{
        Errc::engine_failed,
        503,
        "engine_failed",
        "The container engine could not start a container"
    },
    ErrorSpec{Errc::no_worker, 503, "no_worker", "No worker is there to run the call"},
    ErrorSpec{Errc::function_failed, 502, "function_failed", "function failed"},
    ErrorSpec{Errc::function_timeout, 504, "function_timeout", "Timed out"},
    ErrorSpec{Errc::container_exit, 502, "container_exit", "error receiving function response"},
    ErrorSpec{
        Errc::out_of_memory,
        502,
        "out_of_memory",
        "container out of memory, you may want to raise fn.memory for this function (default: "
        "128MB)"
    },
    ErrorSpec{
        Errc::init_failed,
        502,
        "init_failed",
        "Container failed to initialize, please ensure you are using the latest fdk and check the "
        "logs"
    },
    ErrorSpec{
        Errc::init_timeout,
        504,
        "init_timeout",
        "Container initialization timed out, please ensure you are using the latest fdk and check "
        "the logs"
    },
    ErrorSpec{Errc::image_not_found, 404, "image_not_found", "Image not found"},
    ErrorSpec{Errc::pull_failed, 502, "pull_failed", "Failed to pull image"},
    ErrorSpec{Errc::pull_timeout, 504, "pull_timeout", "Image pull timed out"},
    ErrorSpec{
        Errc::pull_denied, 403, "pull_denied", "Failed to pull image: its registry refused access"
    },
    ErrorSpec{Errc::image_has_volume, 400, "image_has_volume", "image has Volume definition"},
    ErrorSpec{Errc::worker_lost, 502, "worker_lost", "The worker was lost while the call ran"},
    ErrorSpec{Errc::expired, 504, "expired", "The call expired before it could start"},
    ErrorSpec{Errc::cancelled, 409, "cancelled", "The call was cancelled"},
    ErrorSpec{
        Errc::response_too_large, 502, "response_too_large", "function response body too large"
    },
    ErrorSpec{
        Errc::impossible_memory,
        400,
        "impossible_memory",
        "Requested CPU/Memory cannot be allocated"
    },
    ErrorSpec{Errc::internal, 500, "internal", "internal server error"},
};
static_assert(specs.size() == static_cast<std::size_t>(Errc::internal) + 1);

consteval bool in_enum_order() {
    for (std::size_t i = 0; i < specs.size(); ++i) {
        if (static_cast<std::size_t>(specs[i].code) != i) return false;
    }
    return true;
}
static_assert(in_enum_order(), "keep the table in the order of Errc: spec_of() indexes it");

}  // namespace

const ErrorSpec& spec_of(Errc code) { return specs.at(static_cast<std::size_t>(code)); }

std::optional<Errc> parse_errc(std::string_view word) {
    for (const auto& spec : specs) {
        if (spec.word == word) return spec.code;
    }
    return std::nullopt;
}

std::string_view Error::text() const {
    return message.empty() ? spec_of(code).message : std::string_view(message);
}

}  // namespace stoker
