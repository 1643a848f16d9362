#include "cli/runner_server.hpp"

#include "cli/version.hpp"
#include "model/runner_protocol.hpp"

namespace stoker {

namespace {

ServerLimits limits_of(const StartSettings& settings) {
    ServerLimits limits;
    limits.header_bytes_max = runner::head_bytes_max;
    limits.header_fields_max = runner::head_fields_max;
    limits.connections_max = static_cast<std::size_t>(settings.max_connections);
    return limits;
}

std::vector<ReadyCheck> ready_checks(Ground& ground, Worker& worker) {
    return {
        [&worker] { return worker.unready_reason(); },
        [&store = *ground.store] { return store.unhealthy_reason(); },
        [&queue = *ground.queue] {
            return queue.health() == Health::down ? "the queue does not answer" : std::string{};
        },
    };
}

}  // namespace

RunnerServer::RunnerServer(Ground& ground, Worker& worker, const StartSettings& settings) :
    endpoint_(
        worker, [&worker](const FnSpec& fn) { return worker.has_room_for(fn); }, ground.metrics
    ),
    system_(version, ground.metrics, ready_checks(ground, worker)),
    router_(make_router()),
    dispatcher_(*router_, ground.metrics, ground.ids),
    server_(
        ground.lanes, settings.runner.listen, limits_of(settings), dispatcher_, ground.metrics
    ) {}

std::unique_ptr<Router> RunnerServer::make_router() {
    auto made = std::make_unique<Router>();
    made->add("POST", runner::path, [this](Exchange& exchange, const PathParams&) {
        return serve(exchange);
    });
    system_.add_routes(*made);
    return made;
}

Task<Result<Reply>> RunnerServer::serve(Exchange& exchange) {
    co_await endpoint_.serve(exchange);
    co_return Reply{};
}

}  // namespace stoker
