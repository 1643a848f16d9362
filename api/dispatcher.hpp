#pragma once

// Takes each request from the HTTP server to its handler and turns what comes back into an answer:
// the response, or the error. 404 and 405 are decided here. Any lane; the router is fixed by then.

#include <memory>
#include <vector>

#include "api/route_metrics.hpp"
#include "api/router.hpp"
#include "model/id.hpp"

namespace stoker {

class Dispatcher final : public HttpHandler {
public:
    Dispatcher(const Router& router, Metrics& metrics, IdSource& ids);

    Task<> handle(Exchange& exchange) override;
    Response refusal(HttpFault fault) const override;

private:
    Task<> run(Exchange& exchange, const RouteMatch& match);
    Response no_route(const Request& request, const RouteMatch& match) const;

    const Router& router_;
    IdSource& ids_;
    std::vector<std::unique_ptr<RouteMetrics>> by_endpoint_;
    RouteMetrics unrouted_;
};

}  // namespace stoker
