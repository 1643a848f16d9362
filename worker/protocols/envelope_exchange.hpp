#pragma once

// Speaks the json or the cloudevent format with a function over its stdin and stdout: one object
// out, one object back.

#include "worker/protocols/envelope.hpp"
#include "worker/protocols/exchange.hpp"

namespace stoker {

/// A request that has to become text is read as a whole first.
constexpr std::uint64_t enveloped_body_bytes_max = std::uint64_t{64} << 20U;

/// Runs on the current lane; borrows the pipes. The function's `time` begins when its request has
/// been put together. Without container_ok the stream is of no further
/// use, and neither is the container.
Task<ExchangeEnd> exchange_envelope(
    const Envelope& envelope,
    FunctionStream::Ends pipes,
    const Invocation& invocation,
    BodySource& body,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    std::chrono::seconds time
);

}  // namespace stoker
