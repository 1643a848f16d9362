#pragma once

// The HTTP server of a worker without an api beside it: where apis reach its runner endpoint, and
// whoever looks after it its health and metrics.

#include <expected>
#include <memory>
#include <string>

#include "api/dispatcher.hpp"
#include "api/system.hpp"
#include "cli/ground.hpp"
#include "common/http/server.hpp"
#include "worker/runner/runner_endpoint.hpp"
#include "worker/worker.hpp"

namespace stoker {

class RunnerServer {
public:
    RunnerServer(Ground& ground, Worker& worker, const StartSettings& settings);

    std::expected<void, std::string> start() { return server_.start(); }
    std::uint16_t port() const { return server_.port(); }
    Task<bool> stop(Deadline deadline) { return server_.stop(deadline); }

private:
    std::unique_ptr<Router> make_router();
    Task<Result<Reply>> serve(Exchange& exchange);

    RunnerEndpoint endpoint_;
    SystemApi system_;
    const std::unique_ptr<Router> router_;
    Dispatcher dispatcher_;
    HttpServer server_;
};

}  // namespace stoker
