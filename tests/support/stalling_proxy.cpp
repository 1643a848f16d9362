#include "tests/support/stalling_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

namespace stoker::test {

namespace {

constexpr int poll_ms = 20;

sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
}

UniqueFd tcp_socket() { return UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

bool send_all(int to, const char* data, std::size_t size) {
    while (size > 0) {
        const auto sent = ::send(to, data, size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        data += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

}  // namespace

StallingProxy::StallingProxy(int to_port, std::uint64_t bytes_max) :
    to_port_(to_port),
    bytes_max_(bytes_max),
    listener_(tcp_socket()) {
    auto address = loopback(0);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), raw, size) != 0 || ::listen(listener_.get(), 64) != 0 ||
        ::getsockname(listener_.get(), raw, &size) != 0) {
        throw std::runtime_error("proxy cannot listen");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

StallingProxy::~StallingProxy() {
    ending_ = true;
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    cut();
    for (auto& thread : threads_) thread.join();
}

void StallingProxy::let_go() { open_ = true; }

void StallingProxy::cut() {
    const std::scoped_lock lock(mutex_);
    for (const auto& connection : connections_) {
        ::shutdown(connection->client.get(), SHUT_RDWR);
        ::shutdown(connection->server.get(), SHUT_RDWR);
    }
    connections_.clear();
}

void StallingProxy::accept_all() {
    while (!ending_) {
        auto connection = std::make_shared<Connection>();
        connection->client = UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection->client) continue;
        connection->server = tcp_socket();
        const auto address = loopback(to_port_);
        const auto* raw = reinterpret_cast<const sockaddr*>(&address);
        if (::connect(connection->server.get(), raw, sizeof address) != 0) continue;
        const int client = connection->client.get();
        const int server = connection->server.get();
        {
            const std::scoped_lock lock(mutex_);
            connections_.push_back(connection);
        }
        threads_.emplace_back([this, connection, client, server] {
            pass_on(connection, client, server, false);
        });
        threads_.emplace_back([this, connection, client, server] {
            pass_on(connection, server, client, true);
        });
    }
}

void StallingProxy::pass_on(const ConnectionRef&, int from, int to, bool may_stall) {
    std::array<char, 16 * 1024> buffer{};
    std::uint64_t passed = 0;
    for (;;) {
        const auto got = ::recv(from, buffer.data(), buffer.size(), 0);
        if (got <= 0) break;
        passed += static_cast<std::uint64_t>(got);
        if (may_stall && passed > bytes_max_ && !wait_to_go_on(to)) break;
        if (!send_all(to, buffer.data(), static_cast<std::size_t>(got))) break;
    }
    ::shutdown(from, SHUT_RDWR);
    ::shutdown(to, SHUT_RDWR);
}

/// False when the client has gone, or is made to.
bool StallingProxy::wait_to_go_on(int to) {
    if (open_) return true;
    ++stalled_;
    while (!open_ && !ending_) {
        pollfd client{.fd = to, .events = POLLRDHUP, .revents = 0};
        ::poll(&client, 1, poll_ms);
        if ((client.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) return false;
    }
    return open_;
}

}  // namespace stoker::test
