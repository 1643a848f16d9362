#pragma once

// Fn's http-stream format: one HTTP/1.1 request at a time over the unix socket the function listens
// on. Sends a call and receives its answer, both streamed, by the end of the call's time.

#include <optional>
#include <string>

#include "worker/protocols/exchange.hpp"

namespace stoker {

/// Runs on the current lane; borrows the connection. `deadline` is the end of the function's time.
/// A status of 200 is good, the rest an Error.
Task<ExchangeEnd> exchange_http_stream(
    int connection,
    const Invocation& invocation,
    BodySource& source,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline deadline
);

/// The request line and header lines for a function, with the closing empty line.
std::string http_stream_head(
    const Invocation& invocation, std::optional<std::uint64_t> body_size, WallTime deadline
);

}  // namespace stoker
