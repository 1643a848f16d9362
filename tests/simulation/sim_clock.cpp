#include "tests/simulation/sim_clock.hpp"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace {

constexpr std::int64_t ns_per_s = 1'000'000'000;
constexpr std::int64_t ns_per_ms = 1'000'000;
/// Where virtual time begins, on both clocks: well past zero, so that "long ago" is representable.
constexpr std::int64_t steady_start_ns = 1'000'000 * ns_per_s;
constexpr std::int64_t system_start_ns = 1'700'000'000 * ns_per_s;

bool is_virtual = false;
std::int64_t elapsed_ns = 0;
int idle_ms = 0;  // what the last lane that had nothing to do asked to sleep

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) noexcept {
    if (!is_virtual) return static_cast<int>(::syscall(SYS_clock_gettime, clock, out));
    const bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    const auto ns = (is_wall ? system_start_ns : steady_start_ns) + elapsed_ns;
    out->tv_sec = ns / ns_per_s;
    out->tv_nsec = ns % ns_per_s;
    return 0;
}

/// A simulated lane waits for its timers only; there is no I/O.
int epoll_wait(int fd, epoll_event* events, int events_max, int timeout_ms) {
    if (!is_virtual) {
        return static_cast<int>(
            ::syscall(SYS_epoll_pwait, fd, events, events_max, timeout_ms, nullptr, 0)
        );
    }
    idle_ms = timeout_ms;
    return 0;
}

/// Without a kernel timer Asio looks at its timer queue on every turn, and tells epoll_wait() how
/// long it would sleep.
int timerfd_create(int clock, int flags) noexcept {
    if (!is_virtual) return static_cast<int>(::syscall(SYS_timerfd_create, clock, flags));
    errno = ENOSYS;
    return -1;
}

}  // extern "C"

namespace stoker::test {

namespace {

/// Lets io_context::run_one_until() take exactly one turn.
struct OneTurn {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<OneTurn>;
    static constexpr time_point end{std::chrono::seconds{1}};

    static inline bool taken = false;
    static time_point now() { return std::exchange(taken, true) ? end : time_point{}; }
};

}  // namespace

VirtualTime::VirtualTime() {
    elapsed_ns = 0;
    is_virtual = true;
}

VirtualTime::~VirtualTime() { is_virtual = false; }

Millis VirtualTime::now() { return Millis{elapsed_ns / ns_per_ms}; }

void VirtualTime::advance(Millis by) { elapsed_ns += by.count() * ns_per_ms; }

Millis VirtualTime::idle_time(asio::io_context& lane) {
    OneTurn::taken = false;
    idle_ms = 0;
    lane.run_one_until(OneTurn::end);
    return Millis{std::max(idle_ms, 0)};
}

double real_seconds() {
    timespec now{};
    ::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace stoker::test
