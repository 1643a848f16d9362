#pragma once

// Speaks to the function in a container, in its function's format. For whoever holds the slot, on
// any lane.

#include "worker/container.hpp"
#include "worker/protocols/exchange.hpp"

namespace stoker {

/// False: the container is gone, or something of an earlier call is still between it and us.
bool is_ready(Container& container);

/// `begun` is when the function's time began.
Task<ExchangeEnd> exchange_in(
    Container& container,
    const Invocation& invocation,
    BodySource& body,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline begun
);

}  // namespace stoker
