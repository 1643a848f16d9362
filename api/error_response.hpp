#pragma once

// The only place that turns an Error into an answer: {"message","code"} and a newline, with the
// status of the error table and Retry-After where trying again helps. An error's detail is logged
// here and never shown; an internal error shows an id that is logged beside it.

#include "common/http/server_exchange.hpp"
#include "model/error.hpp"
#include "model/id.hpp"

namespace stoker {

Response error_response(const Error& error, IdSource& ids);

/// What a request that could not be received means. `body_bytes_max` is the limit it broke.
Error error_of(HttpFault fault, const Request& request, std::uint64_t body_bytes_max);
/// The answer to a request that the server refused before it reached a handler.
Response refusal_response(HttpFault fault, IdSource& ids);

}  // namespace stoker
