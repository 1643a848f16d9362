#include "queue/kafka/waker.hpp"

#include <boost/asio/redirect_error.hpp>
#include <librdkafka/rdkafka.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace stoker::kafka {

namespace {

constexpr std::uint64_t one = 1;

int make_event() {
    const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    return fd;
}

}  // namespace

Waker::Waker(Executor lane) : fd_(make_event()) { state_ = std::make_shared<State>(lane, fd_); }

void Waker::listen(const std::shared_ptr<State>& state) {
    if (state->is_stopped) return;
    state->event.async_wait(Descriptor::wait_read, [state](error_code failed) {
        if (failed) return;
        std::uint64_t count = 0;
        // Nothing to read is fine: then it has been read already.
        if (::read(state->event.native_handle(), &count, sizeof count) < 0 && errno != EAGAIN)
            return;
        state->is_woken = true;
        state->timer.cancel();
        listen(state);
    });
}

void Waker::watch(rd_kafka_queue_s* queue) const {
    ::rd_kafka_queue_io_event_enable(queue, fd_, &one, sizeof one);
}

void Waker::wake() const noexcept {
    // Fails only when 2^64 - 2 wakes wait.
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
}

Task<> Waker::wait(Deadline deadline) {
    const auto state = state_;
    if (!std::exchange(state->is_listening, true)) listen(state);
    if (!state->is_woken && !state->is_stopped) {
        state->timer.expires_at(deadline);
        error_code ignored;
        co_await state->timer.async_wait(asio::redirect_error(use_task, ignored));
    }
    state->is_woken = false;
}

void Waker::stop() {
    state_->is_stopped = true;
    error_code ignored;
    state_->event.cancel(ignored);
    state_->timer.cancel();
}

}  // namespace stoker::kafka
