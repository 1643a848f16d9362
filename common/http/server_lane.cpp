#include "common/http/server_lane.hpp"

#include <boost/asio/redirect_error.hpp>
#include <fmt/chrono.h>
#include <sys/socket.h>

#include <algorithm>

#include "common/async/spawn.hpp"
#include "common/http/server.hpp"
#include "common/http/server_connection.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {

constexpr Millis tick_time_max{500};
constexpr Millis accept_retry_time{50};

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

/// Fine enough for the shortest deadline.
Millis tick_time_of(const ServerLimits& limits) {
    const auto shortest = std::min(
        {limits.header_time,
         limits.idle_time,
         limits.body_stall,
         limits.write_stall,
         limits.linger_time}
    );
    return std::clamp(shortest / 8, Millis{1}, tick_time_max);
}

/// With SO_REUSEPORT a second server would silently share the port. So the first lane binds without
/// it, which the kernel refuses when the port is taken, and opens it to its sisters before it
/// listens.
void open_listener(
    ServerLane::Acceptor& acceptor,
    const asio::ip::tcp::endpoint& at,
    bool exclusive,
    error_code& failed
) {
    acceptor.open(at.protocol(), failed);
    if (!failed) acceptor.set_option(ServerLane::Acceptor::reuse_address(true), failed);
    if (!failed && !exclusive) acceptor.set_option(ReusePort(true), failed);
    if (!failed) acceptor.bind(at, failed);
    if (!failed && exclusive) acceptor.set_option(ReusePort(true), failed);
    if (!failed) acceptor.listen(asio::socket_base::max_listen_connections, failed);
}

}  // namespace

ServerLane::ServerLane(HttpServer& server, Executor lane) :
    server_(server),
    limits_(server.limits_),
    handler_(server.handler_),
    lane_(lane),
    tick_time_(tick_time_of(limits_)),
    acceptor_(lane),
    timer_(lane) {}

void ServerLane::listen(const asio::ip::tcp::endpoint& at, bool exclusive, error_code& failed) {
    open_listener(acceptor_, at, exclusive, failed);
}

std::uint16_t ServerLane::port() const { return acceptor_.local_endpoint().port(); }

void ServerLane::start() { spawn(server_.gate_, lane_, "http.accept", accept(shared_from_this())); }

Task<> ServerLane::accept(std::shared_ptr<ServerLane> self) {
    while (!self->stopping_) {
        Socket socket(self->lane_);
        error_code failed;
        co_await self->acceptor_.async_accept(socket, asio::redirect_error(use_task, failed));
        if (!failed) {
            self->admit(std::move(socket));
        } else if (failed != asio::error::connection_aborted && !self->stopping_) {
            // Out of descriptors, most likely: the connections that wait are still there later.
            log::warn("http.accept_failed", {{"why", failed.message()}});
            co_await sleep_for(accept_retry_time);
        }
    }
}

void ServerLane::admit(Socket socket) {
    const bool refused = server_.connections_.load() >= limits_.connections_max;
    if (refused && refusals_ >= limits_.refusals_max) return;
    (refused ? server_.refused_ : server_.accepted_).add();
    spawn(
        server_.gate_, lane_, "http.serve", serve(shared_from_this(), std::move(socket), refused)
    );
}

Task<> ServerLane::serve(std::shared_ptr<ServerLane> self, Socket socket, bool refused) {
    ServerConnection connection(*self, std::move(socket));
    if (refused) {
        ++self->refusals_;
        co_await connection.refuse(HttpFault::too_many_connections);
        --self->refusals_;
    } else {
        self->server_.connections_.fetch_add(1);
        co_await connection.serve();
        self->server_.connections_.fetch_sub(1);
    }
}

void ServerLane::close(bool all) {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    for (auto* connection : connections_) {
        if (all || connection->is_idle()) connection->close();
    }
}

void ServerLane::add(ServerConnection& connection) {
    connection.slot = connections_.size();
    connections_.push_back(&connection);
    if (!ticking_) {
        ticking_ = true;
        tick();
    }
}

void ServerLane::remove(ServerConnection& connection) {
    connections_.back()->slot = connection.slot;
    std::swap(connections_.at(connection.slot), connections_.back());
    connections_.pop_back();
}

void ServerLane::arm() {
    timer_.expires_after(tick_time_);
    timer_.async_wait([self = shared_from_this()](const error_code&) { self->tick(); });
}

/// Goes on while there are connections, so that an idle server does not wake up.
void ServerLane::tick() {
    now_ = std::chrono::steady_clock::now();
    const auto wall = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    if (wall != date_of_) {
        date_of_ = wall;
        date_ = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(wall));
    }
    for (auto* connection : connections_) connection->enforce_deadlines(now_);
    ticking_ = !connections_.empty();
    if (ticking_) arm();
}

}  // namespace stoker
