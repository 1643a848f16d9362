#include "worker/protocols/socket_stream.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace stoker {

namespace {
constexpr int reads_in_a_row_max = 16;
}

SocketStream::State::State(Executor lane, int fd) :
    socket(lane, asio::local::stream_protocol{}, fd),
    timer(lane) {}

SocketStream::SocketStream(Executor lane, int fd, Deadline deadline) :
    lane_(lane),
    fd_(fd),
    deadline_(deadline) {}

void SocketStream::register_with_lane() {
    state_ = std::make_shared<State>(lane_, fd_);
    state_->timer.expires_at(deadline_);
    state_->timer.async_wait([weak = std::weak_ptr(state_)](error_code cancelled) {
        const auto state = weak.lock();
        if (cancelled || !state) return;
        state->timed_out = true;
        error_code ignored;
        state->socket.cancel(ignored);
    });
}

SocketStream::~SocketStream() {
    if (!state_) return;
    error_code ignored;
    state_->timer.cancel();
    state_->socket.release(ignored);
}

Task<bool> SocketStream::wait(Socket::wait_type type) {
    if (!state_) register_with_lane();
    if (state_->timed_out) co_return false;
    error_code failed;
    co_await state_->socket.async_wait(type, asio::redirect_error(use_task, failed));
    co_return !failed && !state_->timed_out;
}

Task<std::expected<void, SocketStream::Failure>> SocketStream::read_some(std::string& into) {
    // Of the lane, not of each stream: emptied before anything else can run here.
    static thread_local std::array<char, 16UL * 1024> buffer;
    for (;;) {
        if (++reads_in_a_row_ > reads_in_a_row_max) {
            reads_in_a_row_ = 0;
            co_await asio::post(lane_, use_task);
            if (has_passed(deadline_)) co_return std::unexpected(Failure::timed_out);
        }
        const auto size = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size > 0) {
            into.append(buffer.data(), static_cast<std::size_t>(size));
            co_return std::expected<void, Failure>{};
        }
        if (size == 0) co_return std::unexpected(Failure::closed);
        if (errno == EINTR) continue;
        if (errno != EAGAIN) co_return std::unexpected(Failure::broken);
        reads_in_a_row_ = 0;
        if (!co_await wait(Socket::wait_read)) co_return std::unexpected(Failure::timed_out);
    }
}

std::expected<std::size_t, SocketStream::Failure> SocketStream::try_write(std::string_view bytes
) const {
    std::size_t written = 0;
    while (written < bytes.size()) {
        const auto rest = bytes.substr(written);
        const auto size = ::send(fd_, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size >= 0) {
            written += static_cast<std::size_t>(size);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return bytes.size();
        } else if (errno != EINTR) {
            return std::unexpected(Failure::broken);
        }
    }
    return written;
}

Task<std::expected<void, SocketStream::Failure>> SocketStream::write(std::string_view bytes) {
    for (;;) {
        const auto written = try_write(bytes);
        if (!written) co_return std::unexpected(written.error());
        bytes.remove_prefix(*written);
        if (bytes.empty()) co_return std::expected<void, Failure>{};
        if (!co_await wait(Socket::wait_write)) co_return std::unexpected(Failure::timed_out);
    }
}

}  // namespace stoker
