#include "common/http/connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace stoker {

namespace {

using Kind = HttpClientError::Kind;
using Tcp = asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;

constexpr std::size_t piece_bytes = std::size_t{64} * 1024;
constexpr auto no_throw = asio::as_tuple(use_task);

std::unexpected<HttpClientError> failed(Kind kind, std::string text) {
    return std::unexpected(HttpClientError{kind, std::move(text)});
}

std::unexpected<HttpClientError> timed_out(std::string_view doing) {
    return failed(Kind::timeout, "timed out while " + std::string(doing));
}

/// False when the deadline came first. Waits for readiness and not for bytes, so that what arrives
/// together with the deadline stays in the socket.
template <class Socket>
Task<bool> ready(Socket& socket, asio::socket_base::wait_type what, Deadline deadline) {
    if (deadline == Deadline::max()) {
        co_await socket.async_wait(what, no_throw);
        co_return true;
    }
    Timer timer(co_await asio::this_coro::executor, deadline);
    const auto first = co_await (socket.async_wait(what, no_throw) || timer.async_wait(no_throw));
    co_return first.index() == 0;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (problem != std::errc{} || end != text.data() + text.size() || port == 0) return {};
    return port;
}

/// The literal addresses, without asking the system's resolver.
std::optional<asio::ip::address> literal(const std::string& host) {
    if (host == "localhost") return asio::ip::address_v4::loopback();
    error_code problem;
    auto address = asio::ip::make_address(host, problem);
    if (problem) return {};
    return address;
}

}  // namespace

std::expected<HttpAddress, std::string> parse_http_address(std::string_view text) {
    const auto wrong = [&](std::string_view why) {
        return std::unexpected("'" + std::string(text) + "': " + std::string(why));
    };
    std::string_view rest = text;
    const auto take = [&](std::string_view prefix) {
        if (!rest.starts_with(prefix)) return false;
        rest.remove_prefix(prefix.size());
        return true;
    };
    if (take("unix://")) {
        if (!rest.starts_with('/')) return wrong("the path of a unix socket must be absolute");
        if (rest.size() >= sizeof(sockaddr_un::sun_path)) {
            return wrong("the path is too long for a unix socket");
        }
        return HttpAddress{.unix_path = std::string(rest), .host = {}, .port = 0};
    }
    const bool port_needed = rest.starts_with("tcp://");
    if (!take("tcp://") && !take("http://")) {
        return wrong("expected unix:///path, tcp://host:port or http://host:port");
    }
    if (rest.ends_with('/')) rest.remove_suffix(1);
    HttpAddress address;
    if (rest.starts_with('[')) {
        const auto end = rest.find(']');
        if (end == std::string_view::npos) return wrong("a bracket is not closed");
        address.host = rest.substr(1, end - 1);
        rest.remove_prefix(end + 1);
    } else {
        const auto end = std::min(rest.find(':'), rest.size());
        address.host = rest.substr(0, end);
        rest.remove_prefix(end);
    }
    if (address.host.empty() || address.host.find_first_of("/ @?#") != std::string::npos) {
        return wrong("the host is missing or not a name");
    }
    if (rest.empty() && !port_needed) return address;
    if (!rest.starts_with(':')) return wrong("the port is missing");
    const auto port = parse_port(rest.substr(1));
    if (!port) return wrong("the port is not a number between 1 and 65535");
    address.port = *port;
    return address;
}

Task<HttpResult<HttpConnection>> HttpConnection::connect(HttpAddress address, Deadline deadline) {
    if (!address.unix_path.empty()) {
        co_return co_await connect_unix(std::move(address.unix_path), deadline);
    }
    co_return co_await connect_tcp(std::move(address), deadline);
}

Task<HttpResult<HttpConnection>> HttpConnection::connect_unix(std::string path, Deadline deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        co_return failed(Kind::connect, path + ": the path is too long for a unix socket");
    }
    std::memcpy(static_cast<char*>(address.sun_path), path.data(), path.size());

    Socket socket(co_await asio::this_coro::executor);
    error_code problem;
    socket.open(asio::generic::stream_protocol(AF_UNIX, 0), problem);
    if (!problem) socket.non_blocking(true, problem);
    if (problem) co_return failed(Kind::connect, path + ": " + problem.message());
    // A unix socket connects at once or, while the listener's backlog is full, answers EAGAIN
    // without ever becoming ready: nothing to wait for, only to try again.
    constexpr auto pause = Millis(2);
    while (
        ::connect(socket.native_handle(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0
    ) {
        const int error = errno;
        if (error == EINTR) continue;
        if (error != EAGAIN) {
            co_return failed(
                Kind::connect,
                path + ": " + error_code(error, asio::error::get_system_category()).message()
            );
        }
        if (deadline_in(pause) > deadline) co_return timed_out("connecting to " + path);
        co_await sleep_for(pause);
    }
    co_return HttpConnection(std::move(socket));
}

Task<HttpResult<HttpConnection>> HttpConnection::connect_tcp(
    HttpAddress address, Deadline deadline
) {
    const auto lane = co_await asio::this_coro::executor;
    Timer timer(lane, deadline);
    std::vector<Tcp::endpoint> endpoints;
    if (const auto known = literal(address.host)) {
        endpoints.emplace_back(*known, address.port);
    } else {
        asio::ip::basic_resolver<Tcp, Executor> resolver(lane);
        const auto found = co_await (
            resolver.async_resolve(address.host, std::to_string(address.port), no_throw) ||
            timer.async_wait(no_throw)
        );
        if (found.index() != 0) co_return timed_out("resolving " + address.host);
        const auto& [problem, results] = std::get<0>(found);
        if (problem) co_return failed(Kind::connect, address.host + ": " + problem.message());
        for (const auto& result : results) endpoints.push_back(result.endpoint());
    }
    std::string why = "no address";
    for (const auto& endpoint : endpoints) {
        Socket socket(lane);
        const auto done = co_await (
            socket.async_connect(asio::generic::stream_protocol::endpoint(endpoint), no_throw) ||
            timer.async_wait(no_throw)
        );
        if (done.index() != 0) co_return timed_out("connecting to " + address.host);
        error_code problem = std::get<0>(std::get<0>(done));
        if (!problem) socket.non_blocking(true, problem);
        if (!problem) {
            error_code ignored;  // small requests wait for nobody; failing to say so is no failure
            socket.set_option(Tcp::no_delay(true), ignored);
            // Some answers take hours; a machine that vanished would never be missed otherwise.
            socket.set_option(Socket::keep_alive(true), ignored);
            co_return HttpConnection(std::move(socket));
        }
        why = problem.message();
    }
    co_return failed(Kind::connect, address.host + ":" + std::to_string(address.port) + ": " + why);
}

Task<HttpResult<std::string>> HttpConnection::read_some(Deadline deadline) {
    if (!unread_.empty()) co_return std::exchange(unread_, {});
    for (;;) {
        std::string data;
        error_code problem;
        data.resize_and_overwrite(piece_bytes, [&](char* at, std::size_t size) {
            return socket_.read_some(asio::buffer(at, size), problem);
        });
        if (!problem) co_return data;
        if (problem == asio::error::eof) co_return std::string();
        if (problem != asio::error::would_block) {
            co_return failed(Kind::protocol, problem.message());
        }
        if (!co_await ready(socket_, Socket::wait_read, deadline)) co_return timed_out("reading");
    }
}

Task<HttpResult<void>> HttpConnection::write(std::string_view data, Deadline deadline) {
    while (!data.empty()) {
        error_code problem;
        data.remove_prefix(socket_.write_some(asio::buffer(data), problem));
        if (!problem) continue;
        if (problem != asio::error::would_block) {
            co_return failed(Kind::protocol, problem.message());
        }
        if (!co_await ready(socket_, Socket::wait_write, deadline)) co_return timed_out("writing");
    }
    co_return HttpResult<void>();
}

void HttpConnection::shutdown_write() {
    error_code ignored;  // the peer may be gone already
    socket_.shutdown(Socket::shutdown_send, ignored);
}

void HttpConnection::close() {
    error_code ignored;
    socket_.close(ignored);
}

bool HttpConnection::quiet() {
    if (!unread_.empty() || !socket_.is_open()) return false;
    char byte = 0;
    return ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace stoker
