#include "worker/function_output.hpp"

#include <boost/asio/redirect_error.hpp>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "common/async/spawn.hpp"

namespace stoker {

namespace {

constexpr std::size_t own_output_bytes_max = 64UL * 1024;
// A function that writes without end must not keep a drain going for ever.
constexpr std::size_t drain_bytes_max = 1024UL * 1024;
// Whoever writes more than this, more than any log takes, waits for its reader again and again: it
// keeps a lane busy for a tenth of the time and not for all of it. A call's ends wait for nothing.
constexpr std::size_t burst_bytes_max = 8UL * 1024 * 1024;
constexpr Millis burst_pause{20};

}  // namespace

FunctionOutput::Pipe::Pipe(Executor home, UniqueFd fd, LogStream of) :
    descriptor(home),
    stream(of),
    open(static_cast<bool>(fd)) {
    if (open) descriptor.assign(fd.release());
}

FunctionOutput::FunctionOutput(
    Executor home, OutputPipes pipes, std::unique_ptr<SyslogTap> syslog
) :
    home_(home),
    out_(home, std::move(pipes.out), LogStream::out),
    err_(home, std::move(pipes.err), LogStream::err),
    syslog_(std::move(syslog)) {}

void FunctionOutput::start() {
    for (auto* pipe : {&out_, &err_}) {
        if (pipe->open) spawn(home_, "function_output", read(shared_from_this(), *pipe));
    }
}

void FunctionOutput::close() {
    asio::post(home_, [self = shared_from_this()] {
        const std::scoped_lock lock(self->mutex_);
        for (auto* pipe : {&self->out_, &self->err_}) {
            if (pipe->open) self->drain(*pipe);
            pipe->open = false;
            error_code ignored;
            pipe->descriptor.close(ignored);
        }
    });
}

void FunctionOutput::begin(std::shared_ptr<CallLog> log, std::string_view call_id) {
    const std::scoped_lock lock(mutex_);
    const bool framed = !call_id.empty() && expects_frames();
    if (!framed && !log_ && !log) return;  // nobody's before and after
    drain_both();
    if (framed) {
        previous_ = std::move(log_);
        out_.framer.begin(call_id);
        err_.framer.begin(call_id);
    }
    log_ = std::move(log);
}

void FunctionOutput::begin_only(std::shared_ptr<CallLog> log) {
    const std::scoped_lock lock(mutex_);
    drain_both();
    if (log) log->append(LogStream::err, own_);
    log_ = std::move(log);
}

void FunctionOutput::end() {
    const std::scoped_lock lock(mutex_);
    if (log_ || out_.framer.is_searching() || err_.framer.is_searching()) drain_both();
    for (auto* pipe : {&out_, &err_}) store(pipe->stream, pipe->framer.end());
    previous_.reset();
}

bool FunctionOutput::is_over() {
    const std::scoped_lock lock(mutex_);
    return !out_.open && !err_.open;
}

std::string FunctionOutput::own_output() {
    const std::scoped_lock lock(mutex_);
    if (!log_) drain_both();
    return own_;
}

Task<> FunctionOutput::read(std::shared_ptr<FunctionOutput> self, Pipe& pipe) {
    std::size_t burst = 0;
    for (;;) {
        error_code failed;
        co_await pipe.descriptor.async_wait(
            Descriptor::wait_read, asio::redirect_error(use_task, failed)
        );
        {
            const std::scoped_lock lock(self->mutex_);
            if (failed || !pipe.open) co_return;
            burst += self->drain(pipe);
            if (!pipe.open) co_return;
        }
        if (burst < burst_bytes_max) continue;
        co_await sleep_for(burst_pause);
        burst = 0;
    }
}

void FunctionOutput::drain_both() {
    const auto watched = [](Pipe& pipe) {
        return pollfd{pipe.open ? pipe.descriptor.native_handle() : -1, POLLIN, 0};
    };
    // Most calls print nothing: one question for both pipes.
    std::array polled{watched(out_), watched(err_)};
    if (::poll(polled.data(), polled.size(), 0) == 0) return;
    drain(out_);
    drain(err_);
}

std::size_t FunctionOutput::drain(Pipe& pipe) {
    static thread_local std::array<char, 64UL * 1024> buffer;
    std::size_t total = 0;
    while (pipe.open && total < drain_bytes_max) {
        // The pipes do not block. NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection)
        const auto size = ::read(pipe.descriptor.native_handle(), buffer.data(), buffer.size());
        if (size > 0) {
            store(pipe.stream, pipe.framer.take({buffer.data(), static_cast<std::size_t>(size)}));
            total += static_cast<std::size_t>(size);
        } else if (size < 0 && errno == EINTR) {
            continue;
        } else {
            if (size == 0 || errno != EAGAIN) pipe.open = false;
            break;
        }
    }
    return total;
}

void FunctionOutput::store(LogStream stream, const std::vector<LogFramer::Piece>& pieces) {
    for (const auto& [whose, bytes] : pieces) {
        if (syslog_) syslog_->write(stream, bytes);
        const auto& log = whose == LogFramer::Whose::previous_call ? previous_ : log_;
        if (log) {
            log->append(stream, bytes);
        } else if (own_.size() < own_output_bytes_max) {
            own_ += bytes.substr(0, own_output_bytes_max - own_.size());
        }
    }
}

bool FunctionOutput::expects_frames() const {
    return out_.framer.expects_frames() || err_.framer.expects_frames();
}

}  // namespace stoker
