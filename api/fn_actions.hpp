#pragma once

// What operators do to the calls of a function: POST /v2/fns/:fn_id/pause, /resume and /purge. Any
// lane.

#include "api/fn_cache.hpp"
#include "api/router.hpp"
#include "model/call_events.hpp"

namespace stoker {

class FnActionsApi {
public:
    FnActionsApi(Datastore& store, FnCache& cache, CallEvents& events) :
        store_(store),
        cache_(cache),
        events_(events) {}

    void add_routes(Router& router);

private:
    Task<Result<Reply>> pause(std::string fn_id);
    Task<Result<Reply>> resume(std::string fn_id);
    Task<Result<Reply>> purge(std::string fn_id);

    Datastore& store_;
    FnCache& cache_;
    CallEvents& events_;
};

}  // namespace stoker
