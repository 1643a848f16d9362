#include "api/dispatcher.hpp"

#include "api/error_response.hpp"

namespace stoker {

Dispatcher::Dispatcher(const Router& router, Metrics& metrics, IdSource& ids) :
    router_(router),
    ids_(ids),
    unrouted_(metrics, "none", "any") {
    for (const auto& endpoint : router.endpoints()) {
        by_endpoint_.push_back(
            std::make_unique<RouteMetrics>(metrics, endpoint->pattern, endpoint->method)
        );
    }
}

Task<> Dispatcher::handle(Exchange& exchange) {
    const auto started = std::chrono::steady_clock::now();
    const auto& request = exchange.request();
    const auto match = router_.find(request.method, request.path());
    if (match.endpoint == nullptr) {
        co_await exchange.respond(no_route(request, match));
    } else {
        co_await run(exchange, match);
    }
    auto& metrics = match.endpoint ? *by_endpoint_.at(match.endpoint->index) : unrouted_;
    metrics.observe(exchange.status(), std::chrono::steady_clock::now() - started);
}

Task<> Dispatcher::run(Exchange& exchange, const RouteMatch& match) {
    auto reply = co_await match.endpoint->handler(exchange, match.params);
    if (exchange.answered()) {
        // Too late for another answer: the client can only be shown that this one is incomplete.
        if (!reply) exchange.cut();
        co_return;
    }
    if (!reply) {
        co_await exchange.respond(error_response(reply.error(), ids_));
    } else if (*reply) {
        co_await exchange.respond(std::move(**reply));
    }
}

Response Dispatcher::no_route(const Request& request, const RouteMatch& match) const {
    const bool known = !match.allow.empty();
    std::string message = known ? "Method not allowed: " : "Path not found: ";
    message += request.method;
    message += ' ';
    message += request.path();
    auto response = error_response(
        {known ? Errc::method_not_allowed : Errc::path_not_found, std::move(message), {}}, ids_
    );
    if (known) response.headers.emplace_back("Allow", match.allow);
    return response;
}

Response Dispatcher::refusal(HttpFault fault) const { return refusal_response(fault, ids_); }

}  // namespace stoker
