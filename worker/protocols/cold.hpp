#pragma once

// Fn's `default` format: one process for one call. The body goes to stdin, which is then closed;
// stdout is the answer's body; the exit code says whether it is one.

#include "common/async/latch.hpp"
#include "worker/containers/container_spec.hpp"
#include "worker/protocols/exchange.hpp"
#include "worker/protocols/stdio_pipes.hpp"

namespace stoker {

/// Runs on the current lane; closes `pipes.in` when the body has been sent. The container is never
/// of further use. `lost`: it exited with another code than 0.
Task<ExchangeEnd> exchange_cold(
    StdioPipes& pipes,
    Latch<ExitStatus>& exited,
    BodySource& source,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline deadline
);

}  // namespace stoker
