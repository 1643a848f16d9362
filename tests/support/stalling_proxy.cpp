#include "tests/support/stalling_proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace stoker::test {

namespace {

constexpr int poll_ms = 20;

sockaddr_in address_of(const std::string& host, int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
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

StallingProxy::StallingProxy(int to_port, std::uint64_t bytes_max, std::string listen_on) :
    to_port_(to_port),
    bytes_max_(bytes_max),
    listen_on_(std::move(listen_on)),
    listener_(tcp_socket()) {
    auto address = address_of(listen_on_, 0);
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
    for (auto& connection : connections_) {
        connection.there.join();
        connection.back.join();
    }
}

void StallingProxy::let_go() { open_ = true; }

void StallingProxy::cut() {
    const std::scoped_lock lock(mutex_);
    for (const auto& connection : connections_) {
        ::shutdown(connection.client.get(), SHUT_RDWR);
        ::shutdown(connection.server.get(), SHUT_RDWR);
    }
}

void StallingProxy::accept_all() {
    while (!ending_) {
        if (UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); client) {
            forget_closed();
            take(std::move(client));
        }
    }
}

void StallingProxy::take(UniqueFd client) {
    auto server = tcp_socket();
    const auto address = address_of("127.0.0.1", to_port_);
    const auto* raw = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(server.get(), raw, sizeof address) != 0) return;
    const std::scoped_lock lock(mutex_);
    auto& connection = connections_.emplace_back();
    connection.client = std::move(client);
    connection.server = std::move(server);
    const int one = connection.client.get();
    const int other = connection.server.get();
    connection.there =
        std::thread([=, this, &connection] { pass_on(connection, one, other, false); });
    connection.back =
        std::thread([=, this, &connection] { pass_on(connection, other, one, true); });
}

void StallingProxy::forget_closed() {
    const std::scoped_lock lock(mutex_);
    connections_.remove_if([](Connection& connection) {
        if (connection.passing > 0) return false;
        connection.there.join();
        connection.back.join();
        return true;
    });
}

void StallingProxy::pass_on(Connection& connection, int from, int to, bool may_stall) {
    std::array<char, 16 * 1024> buffer{};
    std::uint64_t passed = 0;
    for (;;) {
        const auto got = ::recv(from, buffer.data(), buffer.size(), 0);
        if (got <= 0) break;
        passed += static_cast<std::uint64_t>(got);
        if (may_stall && passed > bytes_max_ && !wait_to_go_on(to)) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms_));
        const auto size = to_pass(static_cast<std::size_t>(got));
        if (!send_all(to, buffer.data(), size) || size < static_cast<std::size_t>(got)) break;
    }
    ::shutdown(from, SHUT_RDWR);
    ::shutdown(to, SHUT_RDWR);
    --connection.passing;
}

/// How much of it passes before the connection is to break.
std::size_t StallingProxy::to_pass(std::size_t size) {
    const auto before = bytes_left_.fetch_sub(static_cast<std::int64_t>(size));
    if (before >= static_cast<std::int64_t>(size)) return size;
    bytes_left_ = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::size_t>(std::max<std::int64_t>(before, 0));
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
