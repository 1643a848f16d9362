#pragma once

// What people do to calls: POST /v2/calls/:id/cancel, and the same within one fn. Any lane.

#include "api/router.hpp"
#include "datastore/datastore.hpp"
#include "model/call_events.hpp"

namespace stoker {

class CallActionsApi {
public:
    CallActionsApi(Datastore& store, CallEvents& events) : store_(store), events_(events) {}

    void add_routes(Router& router);

private:
    Task<Result<Reply>> cancel(Scope scope, std::string call_id);

    Datastore& store_;
    CallEvents& events_;
};

}  // namespace stoker
