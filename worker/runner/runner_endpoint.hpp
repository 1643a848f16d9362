#pragma once

// Where an api hands synchronous calls to this worker (model/runner_protocol.hpp). A call is taken
// or refused at once; one that was taken may still be refused for as long as no function has begun
// with it. Any lane.

#include <functional>

#include "common/http/server_exchange.hpp"
#include "common/metrics.hpp"
#include "model/invoker.hpp"

namespace stoker {

class RunnerEndpoint {
public:
    /// A call of the function that came now would soon have a container.
    using HasRoom = std::function<bool(const FnSpec&)>;

    RunnerEndpoint(Invoker& invoker, HasRoom has_room, Metrics& metrics);

    /// Answers one request, on its connection's lane.
    Task<> serve(Exchange& exchange);

private:
    Invoker& invoker_;
    const HasRoom has_room_;
    Counter& taken_;
    Counter& refused_;
};

}  // namespace stoker
