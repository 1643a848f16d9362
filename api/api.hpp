#pragma once

// The HTTP front of Stoker: owns the server, the routes and what stands behind them, and the two
// loops that keep accepted calls moving (outbox, sweeper). Made by cli after the datastore, queue
// and invoker it borrows; stop() before any of them. Not thread-safe itself; what it serves runs
// on all lanes.

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "api/acceptor.hpp"
#include "api/fns.hpp"
#include "api/invoke.hpp"
#include "api/scheduler.hpp"
#include "api/sweeper.hpp"
#include "api/system.hpp"
#include "common/http/server.hpp"

namespace stoker {

struct ApiDeps {
    Lanes& lanes;
    Datastore& store;
    MessageQueue& queue;
    Invoker& invoker;
    CallEvents& events;
    Metrics& metrics;
    IdSource& ids;
    const Clock& clock;
    ContainerFits container_fits;          ///< of the workers this api knows
    std::vector<ReadyCheck> ready_checks;  ///< besides its own
    ExpectImage expect_image{};            ///< of the workers in this process
    CatalogChanged catalog_changed = [] {};
};

struct ApiSettings {
    ListenAddress listen;
    std::string public_url;  ///< what clients reach us at, if the Host field does not say it
    std::string version;
    /// The caller's Authorization is the function's unless Stoker itself checks it.
    bool keep_authorization = true;
    ServerLimits server;
    AcceptorLimits accept;
    OutboxLimits outbox;
    DelayedLimits delayed;
    InvokeLimits invoke;
    SweeperLimits sweeper;
    SchedulerLimits scheduler;
    FnCacheLimits fn_cache;
};

class Api {
public:
    Api(ApiDeps deps, const ApiSettings& settings);
    Api(const Api&) = delete;
    Api& operator=(const Api&) = delete;
    ~Api();

    /// Binds and serves; the error says what is wrong with the address.
    std::expected<void, std::string> start();
    std::uint16_t port() const;

    /// Refuses new calls and is not ready any more, but goes on answering.
    void drain();
    /// Ends requests and loops by the deadline. False when a handler did not return even then: the
    /// Lanes must be stopped before this is destroyed.
    Task<bool> stop(Deadline deadline);

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace stoker
