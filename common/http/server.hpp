#pragma once

// An HTTP/1.1 server: one acceptor a lane on a shared port (SO_REUSEPORT), connections stay on the
// lane that accepted them, one coroutine each. Requests of a connection are served one at a time.
// Made and started by the owner of the Lanes before they start or while they run; stop() before it
// is destroyed. It knows framing, limits and deadlines; what a request means is the handler's.

#include <atomic>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "common/async/gate.hpp"
#include "common/async/lanes.hpp"
#include "common/http/server_exchange.hpp"
#include "common/http/server_limits.hpp"
#include "common/listen_address.hpp"
#include "common/metrics.hpp"

namespace stoker {

class ServerLane;

class HttpServer {
public:
    HttpServer(
        Lanes& lanes,
        ListenAddress address,
        const ServerLimits& limits,
        HttpHandler& handler,
        Metrics& metrics
    );
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    /// Binds and listens; the error says what is wrong with the address.
    std::expected<void, std::string> start();
    /// The port it listens on, after start().
    std::uint16_t port() const { return port_; }

    /// Stops accepting and closes idle connections; busy ones end after their answer, or at the
    /// deadline. False when a handler did not return even then: the Lanes must be stopped first.
    Task<bool> stop(Deadline deadline);

private:
    friend class ServerLane;

    Lanes& lanes_;
    const ListenAddress address_;
    const ServerLimits limits_;
    HttpHandler& handler_;
    std::uint16_t port_ = 0;
    std::atomic<std::size_t> connections_{0};
    std::atomic<bool> stopping_{false};
    Counter& accepted_;
    Counter& refused_;
    Gate gate_;
    std::vector<std::shared_ptr<ServerLane>> server_lanes_;
};

}  // namespace stoker
