#include "worker/protocols/stdio_pipes.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

namespace stoker {

namespace {

/// A function that goes on writing white space is not quiet.
constexpr int stray_reads_max = 8;

bool output_is_quiet(int fd, bool spaces_allowed) {
    std::array<char, 256> stray;  // NOLINT(*-member-init): filled by the read
    for (int reads = 0; reads < stray_reads_max; ++reads) {
        const auto size = ::read(fd, stray.data(), stray.size());
        if (size < 0) return errno == EAGAIN;
        if (size == 0 || !spaces_allowed) return false;
        const auto bytes = std::span(stray).first(static_cast<std::size_t>(size));
        const bool spaces = std::ranges::all_of(bytes, [](char c) {
            return c == ' ' || c == '\n' || c == '\r' || c == '\t';
        });
        if (!spaces) return false;
    }
    return false;
}

bool input_is_quiet(int fd, bool spaces_allowed) {
    pollfd state{.fd = fd, .events = POLLOUT, .revents = 0};
    if (::poll(&state, 1, 0) != 1 || (state.revents & POLLERR) != 0) return false;
    int unread = 0;
    return ::ioctl(fd, FIONREAD, &unread) == 0 && unread <= (spaces_allowed ? 1 : 0);
}

}  // namespace

bool are_quiet(const StdioPipes& pipes, bool spaces_allowed) {
    return output_is_quiet(pipes.out.get(), spaces_allowed) &&
           input_is_quiet(pipes.in.get(), spaces_allowed);
}

}  // namespace stoker
