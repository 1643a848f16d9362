#pragma once

// /v2/fns: create, read, change, delete and list. Answers other than PUT's carry the address to
// invoke the fn at, as an annotation that is never stored. Any lane.

#include <functional>

#include "api/fn_cache.hpp"
#include "api/router.hpp"
#include "model/call_events.hpp"
#include "model/id.hpp"
#include "model/json.hpp"

namespace stoker {

/// Whether a container of that size could ever start.
using ContainerFits = std::function<bool(std::uint64_t memory_mb, std::uint64_t milli_cpus)>;

class FnsApi {
public:
    struct Parts {
        Datastore& store;
        FnCache& cache;
        CallEvents& events;
        IdSource& ids;
        const Clock& clock;
        ContainerFits container_fits;
        CatalogChanged changed;
        std::string public_url;  ///< empty: http:// and the request's Host
    };
    explicit FnsApi(Parts parts) : parts_(std::move(parts)) {}

    void add_routes(Router& router);

private:
    Task<Result<Reply>> list(Exchange& exchange);
    Task<Result<Reply>> create(Exchange& exchange);
    Task<Result<Reply>> get(Exchange& exchange, std::string fn_id);
    Task<Result<Reply>> update(Exchange& exchange, std::string fn_id);
    Task<Result<Reply>> remove(std::string fn_id);
    Json annotated(Fn fn, const Request& request) const;

    const Parts parts_;
};

}  // namespace stoker
