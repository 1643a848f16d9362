#include "worker/syslog/syslog_sender.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/udp.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "common/log.hpp"
#include "common/unique_fd.hpp"
#include "worker/syslog/syslog_line.hpp"

namespace stoker {

namespace {

constexpr std::chrono::seconds try_max{5};
constexpr Millis retry_first{200};
constexpr Millis retry_max{10'000};

UniqueFd connected_datagrams(const sockaddr* address, socklen_t size) {
    UniqueFd socket(::socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket || ::connect(socket.get(), address, size) != 0) return {};
    return socket;
}

UniqueFd connect_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return {};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return connected_datagrams(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

Task<UniqueFd> connect_udp(std::string host, std::uint16_t port) {
    const auto lane = co_await asio::this_coro::executor;
    asio::ip::basic_resolver<asio::ip::udp, Executor> resolver(lane);
    const auto [failed, found] =
        co_await resolver.async_resolve(host, std::to_string(port), asio::as_tuple(use_task));
    if (failed) co_return UniqueFd();
    for (const auto& entry : found) {
        const auto endpoint = entry.endpoint();
        auto socket = connected_datagrams(endpoint.data(), static_cast<socklen_t>(endpoint.size()));
        if (socket) co_return socket;
    }
    co_return UniqueFd();
}

}  // namespace

SyslogSender::SyslogSender(Executor lane, SyslogAddress address, Counter& sent, Counter& dropped) :
    lane_(lane),
    address_(std::move(address)),
    sent_(sent),
    dropped_(dropped) {}

bool SyslogSender::join() {
    const std::scoped_lock lock(mutex_);
    if (ended_) return false;
    ++users_;
    return true;
}

void SyslogSender::leave() {
    const std::scoped_lock lock(mutex_);
    if (--users_ == 0) wake();
}

void SyslogSender::push(std::string message) {
    const std::scoped_lock lock(mutex_);
    if (ended_ || queue_bytes_ + message.size() > queue_bytes_max) {
        dropped_.add();
        return;
    }
    queue_bytes_ += message.size();
    queue_.push_back(std::move(message));
    wake();
}

void SyslogSender::close() {
    closed_.set(true);
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    wake();
}

void SyslogSender::wake() {
    if (sleeping_) std::exchange(sleeping_, std::nullopt)->set(true);
}

Task<std::optional<SyslogSender::Messages>> SyslogSender::take() {
    for (;;) {
        OneShot<bool> woken(lane_);
        {
            const std::scoped_lock lock(mutex_);
            if (!queue_.empty()) {
                queue_bytes_ = 0;
                co_return std::exchange(queue_, {});
            }
            if (users_ == 0) ended_ = true;
            if (ended_) co_return std::nullopt;
            sleeping_ = woken;
        }
        co_await woken.wait(Deadline::max());
    }
}

Task<> SyslogSender::run(std::shared_ptr<SyslogSender> self) {
    bool was_reached = true;
    while (const auto messages = co_await self->take()) {
        auto pause = retry_first;
        // What was being sent when a connection broke is sent again: some of it may arrive twice.
        while (!co_await self->send(*messages)) {
            if (std::exchange(was_reached, false)) {
                log::warn("syslog.unreachable", {{"hint", "lines are kept, then dropped"}});
            }
            if (self->closed_.is_set() || (co_await self->closed_.wait(deadline_in(pause)))) {
                self->dropped_.add(messages->size());
                co_return;
            }
            pause = std::min(pause * 2, retry_max);
        }
        was_reached = true;
    }
}

Task<bool> SyslogSender::send(const Messages& messages) {
    const bool done =
        address_.datagrams ? co_await send_datagrams(messages) : co_await send_stream(messages);
    co_return done;
}

Task<bool> SyslogSender::send_stream(const Messages& messages) {
    const auto deadline = deadline_in(try_max);
    if (connection_ && !connection_->quiet()) connection_.reset();
    if (!connection_) {
        auto connected = co_await HttpConnection::connect(address_.peer, deadline);
        if (!connected) co_return false;
        connection_.emplace(std::move(*connected));
    }
    std::string bytes;
    for (const auto& message : messages) bytes += octet_counted(message);
    const auto written = co_await connection_->write(bytes, deadline);
    if (written) {
        sent_.add(messages.size());
    } else {
        connection_.reset();
    }
    co_return written.has_value();
}

Task<bool> SyslogSender::send_datagrams(const Messages& messages) {
    const auto& peer = address_.peer;
    auto socket = peer.unix_path.empty() ? co_await connect_udp(peer.host, peer.port)
                                         : connect_unix(peer.unix_path);
    if (!socket) co_return false;
    for (const auto& message : messages) {
        // Nobody answers a datagram: one that cannot go now is lost, like one that is lost later.
        const auto done = ::send(socket.get(), message.data(), message.size(), MSG_NOSIGNAL);
        (done >= 0 ? sent_ : dropped_).add();
    }
    co_return true;
}

}  // namespace stoker
