#pragma once

// What the connections of one lane share: the acceptor, a clock that is read once a tick, and the
// list of connections that each tick looks through for passed deadlines. So a request costs no
// timer operation; a deadline is enforced up to one tick late. Used on its lane only.

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <vector>

#include "common/async/gate.hpp"
#include "common/http/server_exchange.hpp"
#include "common/http/server_limits.hpp"

namespace stoker {

class HttpServer;
class ServerConnection;

class ServerLane : public std::enable_shared_from_this<ServerLane> {
public:
    using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
    using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;

    ServerLane(HttpServer& server, Executor lane);

    /// Binds and listens; the first lane with `exclusive`, which finds out whether the port is
    /// free.
    void listen(const asio::ip::tcp::endpoint& at, bool exclusive, error_code& failed);
    std::uint16_t port() const;
    void start();

    /// Closes the acceptor and idle connections; with `all`, busy ones too.
    void close(bool all);

    void add(ServerConnection& connection);
    void remove(ServerConnection& connection);

    /// Monotonic time, at most a tick old.
    Deadline now() const { return now_; }
    std::string_view date() const { return date_; }
    bool stopping() const { return stopping_; }
    const ServerLimits& limits() const { return limits_; }
    HttpHandler& handler() const { return handler_; }

private:
    static Task<> accept(std::shared_ptr<ServerLane> self);
    static Task<> serve(std::shared_ptr<ServerLane> self, Socket socket, bool refused);
    void admit(Socket socket);
    void arm();
    void tick();

    HttpServer& server_;
    const ServerLimits& limits_;
    HttpHandler& handler_;
    const Executor lane_;
    const Millis tick_time_;
    Acceptor acceptor_;
    Timer timer_;
    bool ticking_ = false;
    bool stopping_ = false;
    std::size_t refusals_ = 0;
    Deadline now_ = std::chrono::steady_clock::now();
    std::chrono::sys_seconds date_of_{};
    std::string date_;
    std::vector<ServerConnection*> connections_;
};

}  // namespace stoker
