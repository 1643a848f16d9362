#pragma once

// What people do to calls: POST /v2/calls/:id/cancel and /redrive, and the same within one fn. Any
// lane.

#include "api/acceptor.hpp"
#include "api/fns.hpp"
#include "api/router.hpp"
#include "datastore/datastore.hpp"
#include "model/call_events.hpp"
#include "model/id.hpp"

namespace stoker {

class CallActionsApi {
public:
    struct Parts {
        Datastore& store;
        FnCache& cache;
        Acceptor& acceptor;
        CallEvents& events;
        IdSource& ids;
        const Clock& clock;
        ContainerFits container_fits;
        CallOptionLimits limits;
    };
    explicit CallActionsApi(Parts parts) : parts_(std::move(parts)) {}

    void add_routes(Router& router);

private:
    Task<Result<Reply>> cancel(Scope scope, std::string call_id);
    Task<Result<Reply>> redrive(Exchange& exchange, Scope scope, std::string call_id);

    const Parts parts_;
};

}  // namespace stoker
