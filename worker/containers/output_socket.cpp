#include "worker/containers/output_socket.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace stoker {

namespace {

using namespace asio::experimental::awaitable_operators;

constexpr auto no_throw = asio::as_tuple(use_task);
constexpr char handover_version = 1;
// Room to see that too many came; the kernel closes what does not fit.
constexpr std::size_t descriptors_max = 8;

std::unexpected<Error> failed(std::string what) {
    return fail(Errc::init_failed, {}, "output hand-over: " + std::move(what));
}

std::unexpected<Error> system_failure(std::string_view doing) {
    const error_code problem(errno, asio::error::get_system_category());
    return fail(Errc::internal, {}, std::string(doing) + ": " + problem.message());
}

struct Handover {
    std::string payload;
    std::vector<UniqueFd> descriptors;
};

/// What lies in the socket, or nothing if the peer has not written yet.
std::optional<Handover> receive_message(int fd) {
    std::array<char, 16> payload{};
    iovec part{payload.data(), payload.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * descriptors_max)> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    Handover handover;
    if (got > 0) handover.payload.assign(payload.data(), static_cast<std::size_t>(got));
    for (auto* header = CMSG_FIRSTHDR(&message); got >= 0 && header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        const auto count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            handover.descriptors.emplace_back(descriptor);
        }
    }
    return handover;
}

/// The agent uses these without ever blocking on what a function does with the other end.
bool take_pipe(int fd, int access) {
    struct stat about{};
    if (::fstat(fd, &about) < 0 || !S_ISFIFO(about.st_mode)) return false;
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_PATH) != 0 || (flags & O_ACCMODE) != access) return false;
    return ::fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

/// As the kernel noted it when the peer connected.
int pid_of_peer(int connection) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return 0;
    return peer.pid;
}

Result<OutputPipes> pipes_of(Handover handover, bool with_input) {
    if (handover.payload.size() != 1 || handover.payload[0] != handover_version) {
        return failed("not a message of stoker-init");
    }
    auto& descriptors = handover.descriptors;
    const std::size_t expected = with_input ? 3 : 2;
    if (descriptors.size() != expected) {
        return failed(fmt::format("{} descriptors in place of {}", descriptors.size(), expected));
    }
    for (const auto& output : std::span(descriptors).first(2)) {
        if (!take_pipe(output.get(), O_RDONLY)) return failed("not the read end of a pipe");
    }
    OutputPipes pipes;
    pipes.out = std::move(descriptors[0]);
    pipes.err = std::move(descriptors[1]);
    if (with_input) {
        if (!take_pipe(descriptors[2].get(), O_WRONLY)) {
            return failed("not the write end of a pipe");
        }
        pipes.in = std::move(descriptors[2]);
    }
    return pipes;
}

}  // namespace

Result<OutputSocket> OutputSocket::listen(Executor lane, const std::string& folder) {
    UniqueFd folder_fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder_fd) return system_failure("open " + folder);
    UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listening) return system_failure("socket");

    // Through the folder's descriptor: its path may be longer than an address has room for.
    const auto path = "/proc/self/fd/" + std::to_string(folder_fd.get()) + "/" + file_name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(static_cast<char*>(address.sun_path), path.c_str(), path.size() + 1);
    if (::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
        return system_failure("bind " + folder + "/" + file_name);
    }
    if (::fchmodat(folder_fd.get(), file_name, 0666, 0) < 0) return system_failure("chmod");
    if (::listen(listening.get(), 1) < 0) return system_failure("listen");
    return OutputSocket(std::move(folder_fd), Socket(lane, listening.release()));
}

OutputSocket::OutputSocket(UniqueFd folder, Socket listening) :
    folder_(std::move(folder)),
    listening_(std::move(listening)) {}

OutputSocket::~OutputSocket() { close(); }

void OutputSocket::close() {
    error_code ignored;
    listening_.close(ignored);
    if (peer_) peer_->close(ignored);
    if (folder_) ::unlinkat(folder_.get(), file_name, 0);
    folder_.reset();
}

void OutputSocket::end() {
    ended_ = true;
    error_code ignored;
    listening_.cancel(ignored);
    if (peer_) peer_->cancel(ignored);
}

Task<Result<OutputPipes>> OutputSocket::receive(Deadline deadline, bool with_input) {
    Timer timer(co_await asio::this_coro::executor, deadline);
    auto first = co_await (receive_from_peer(with_input) || timer.async_wait(no_throw));
    close();
    if (first.index() != 0) {
        co_return fail(Errc::init_timeout, {}, "output hand-over: nobody came in time");
    }
    co_return std::get<0>(std::move(first));
}

/// False: nothing is there, and nothing will come.
Task<bool> OutputSocket::wait_readable(Socket& socket) {
    if (ended_) co_return false;
    const auto [problem] = co_await socket.async_wait(Socket::wait_read, no_throw);
    co_return !problem || ended_;  // end() interrupts a wait, for a last look
}

Task<Result<OutputPipes>> OutputSocket::receive_from_peer(bool with_input) {
    UniqueFd accepted;
    while (!accepted) {
        accepted.reset(
            ::accept4(listening_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)
        );
        if (accepted) break;
        if (errno != EAGAIN && errno != EINTR) {
            co_return system_failure("output hand-over: accept");
        }
        if (!co_await wait_readable(listening_)) co_return failed("nobody came");
    }
    peer_.emplace(listening_.get_executor(), accepted.release());
    for (;;) {
        if (auto handover = receive_message(peer_->native_handle())) {
            auto pipes = pipes_of(std::move(*handover), with_input);
            if (pipes) pipes->pid = pid_of_peer(peer_->native_handle());
            co_return pipes;
        }
        if (!co_await wait_readable(*peer_)) co_return failed("nothing came");
    }
}

}  // namespace stoker
