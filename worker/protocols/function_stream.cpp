#include "worker/protocols/function_stream.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace stoker {

namespace {
constexpr int reads_in_a_row_max = 16;
}

FunctionStream::State::State(Executor lane, Ends ends) : in(lane, ends.read), timer(lane) {
    if (ends.write >= 0 && ends.write != ends.read) out.emplace(lane, ends.write);
}

FunctionStream::FunctionStream(Executor lane, Ends ends, Deadline deadline) :
    lane_(lane),
    ends_(ends),
    deadline_(deadline) {}

void FunctionStream::register_with_lane() {
    state_ = std::make_shared<State>(lane_, ends_);
    state_->timer.expires_at(deadline_);
    state_->timer.async_wait([weak = std::weak_ptr(state_)](error_code cancelled) {
        const auto state = weak.lock();
        if (cancelled || !state) return;
        state->timed_out = true;
        error_code ignored;
        state->in.cancel(ignored);
        if (state->out) state->out->cancel(ignored);
    });
}

FunctionStream::~FunctionStream() {
    if (!state_) return;
    state_->timer.cancel();
    state_->in.release();
    release_write();
}

void FunctionStream::release_write() {
    ends_.write = -1;
    if (!state_ || !state_->out) return;
    state_->out->release();
    state_->out.reset();
}

Task<bool> FunctionStream::wait(Direction direction) {
    if (!state_) register_with_lane();
    if (state_->timed_out) co_return false;
    const bool writes = direction == Direction::write;
    auto& on = writes && state_->out ? *state_->out : state_->in;
    error_code failed;
    co_await on.async_wait(
        writes ? Descriptor::wait_write : Descriptor::wait_read,
        asio::redirect_error(use_task, failed)
    );
    co_return !failed && !state_->timed_out;
}

Task<std::expected<void, FunctionStream::Failure>> FunctionStream::read_some(std::string& into) {
    // Of the lane, not of each stream: emptied before anything else can run here.
    static thread_local std::array<char, 16UL * 1024> buffer;
    for (;;) {
        if (++reads_in_a_row_ > reads_in_a_row_max) {
            reads_in_a_row_ = 0;
            co_await asio::post(lane_, use_task);
            if (has_passed(deadline_)) co_return std::unexpected(Failure::timed_out);
        }
        const auto size = ::read(ends_.read, buffer.data(), buffer.size());
        if (size > 0) {
            into.append(buffer.data(), static_cast<std::size_t>(size));
            co_return std::expected<void, Failure>{};
        }
        if (size == 0) co_return std::unexpected(Failure::closed);
        if (errno == EINTR) continue;
        if (errno != EAGAIN) co_return std::unexpected(Failure::broken);
        reads_in_a_row_ = 0;
        if (!co_await wait(Direction::read)) co_return std::unexpected(Failure::timed_out);
    }
}

std::expected<std::size_t, FunctionStream::Failure> FunctionStream::try_write(std::string_view bytes
) {
    std::size_t written = 0;
    while (written < bytes.size()) {
        const auto rest = bytes.substr(written);
        const auto size =
            ends_.write == ends_.read
                ? ::send(ends_.write, rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                : ::write(ends_.write, rest.data(), rest.size());
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

Task<std::expected<void, FunctionStream::Failure>> FunctionStream::write(std::string_view bytes) {
    for (;;) {
        const auto written = try_write(bytes);
        if (!written) co_return std::unexpected(written.error());
        bytes.remove_prefix(*written);
        if (bytes.empty()) co_return std::expected<void, Failure>{};
        if (!co_await wait(Direction::write)) co_return std::unexpected(Failure::timed_out);
    }
}

}  // namespace stoker
