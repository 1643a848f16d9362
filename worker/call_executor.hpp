#pragma once

// Executes one attempt of a claimed call, wherever containers are: what a CallRunner hands its
// calls to. Implemented by the agent; the simulation scripts it.

#include "model/invoker.hpp"
#include "worker/live_calls.hpp"
#include "worker/protocols/exchange.hpp"

namespace stoker {

class CallExecutor {
public:
    virtual ~CallExecutor() = default;
    /// On the caller's lane. `live` is null for a call that is not recorded. Errors of the function
    /// and of the platform both come back as the Result; what the function printed is in the live
    /// call's log. `give_up` bounds the wait for a slot.
    virtual Task<Result<void>> execute(
        const Invocation& invocation,
        BodySource& body,
        FunctionAnswer& answer,
        LiveCallRef live,
        Deadline give_up
    ) = 0;
};

}  // namespace stoker
