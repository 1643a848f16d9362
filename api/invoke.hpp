#pragma once

// POST /invoke/:fn_id: runs a function and streams its answer (sync), or accepts the call and
// answers 202 (async). Any lane.

#include "api/acceptor.hpp"
#include "api/fns.hpp"
#include "api/forwarded.hpp"
#include "api/router.hpp"
#include "model/invoker.hpp"

namespace stoker {

struct InvokeLimits {
    std::uint64_t async_body_bytes_max = 10ULL * 1024 * 1024;
    std::uint64_t sync_body_bytes_max = 1024ULL * 1024 * 1024;
    Millis slot_wait{60'000};  ///< of a synchronous call → server_busy
    CallOptionLimits options;
};

class InvokeApi {
public:
    struct Parts {
        FnCache& cache;
        Acceptor& acceptor;
        Invoker& invoker;
        IdSource& ids;
        const Clock& clock;
        ContainerFits container_fits;
        InvokeLimits limits;
        bool keep_authorization = true;  ///< it is the function's, unless Stoker itself checks it
        std::string public_url;
    };
    explicit InvokeApi(Parts parts) : parts_(std::move(parts)) {}

    void add_routes(Router& router);

private:
    std::string url_of(const Request& request) const;
    Task<Result<Reply>> invoke(Exchange& exchange, std::string fn_id);
    Task<Result<Reply>> run(Exchange& exchange, FnEntryRef fn);
    Task<Result<Reply>> accept(Exchange& exchange, FnEntryRef fn, bool preference_applied);

    const Parts parts_;
};

}  // namespace stoker
