#pragma once

// /v2/apps: create, read, change, delete and list. Any lane.

#include "api/fn_cache.hpp"
#include "api/router.hpp"
#include "model/call_events.hpp"
#include "model/id.hpp"

namespace stoker {

class AppsApi {
public:
    AppsApi(
        Datastore& store,
        FnCache& cache,
        CallEvents& events,
        IdSource& ids,
        const Clock& clock,
        CatalogChanged changed
    ) :
        store_(store),
        cache_(cache),
        events_(events),
        ids_(ids),
        clock_(clock),
        changed_(std::move(changed)) {}

    void add_routes(Router& router);

private:
    Task<Result<Reply>> list(Exchange& exchange);
    Task<Result<Reply>> create(Exchange& exchange);
    Task<Result<Reply>> get(std::string app_id);
    Task<Result<Reply>> update(Exchange& exchange, std::string app_id);
    Task<Result<Reply>> remove(std::string app_id);

    Datastore& store_;
    FnCache& cache_;
    CallEvents& events_;
    IdSource& ids_;
    const Clock& clock_;
    const CatalogChanged changed_;
};

}  // namespace stoker
