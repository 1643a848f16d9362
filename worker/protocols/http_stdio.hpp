#pragma once

// Fn's `http` format: one HTTP/1.1 request after another on a function's stdin, its answers on
// stdout. Whatever status it answers with, its answer is the call's.

#include <optional>
#include <string>

#include "worker/protocols/exchange.hpp"

namespace stoker {

/// Runs on the current lane; borrows the pipes. Without container_ok the stream is of no further
/// use, and neither is the container.
Task<ExchangeEnd> exchange_http_stdio(
    FunctionStream::Ends pipes,
    const Invocation& invocation,
    BodySource& body,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline deadline
);

/// The head of the request as the function reads it.
std::string http_stdio_head(
    const Invocation& invocation, std::optional<std::uint64_t> body_size, WallTime deadline
);

}  // namespace stoker
