#pragma once

// The coroutine vocabulary of Stoker. A Task is an Asio awaitable bound to the executor of one
// io_context ("lane"), never to a type-erased one: the erased executor costs a virtual call and a
// reference count at every suspension, which the hot path feels. A Task runs on the lane that
// spawned it and resumes there after every wait.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace stoker {

namespace asio = boost::asio;
using boost::system::error_code;

using Executor = asio::io_context::executor_type;

template <class T = void>
using Task = asio::awaitable<T, Executor>;

/// Completion token: resume the awaiting Task; failures are thrown.
inline constexpr asio::use_awaitable_t<Executor> use_task{};

using Timer = asio::basic_waitable_timer<
    std::chrono::steady_clock,
    asio::wait_traits<std::chrono::steady_clock>,
    Executor>;

using Millis = std::chrono::milliseconds;

/// A point in monotonic time by which an operation ends, one way or the other.
using Deadline = std::chrono::steady_clock::time_point;

inline Deadline deadline_in(std::chrono::steady_clock::duration d) {
    return std::chrono::steady_clock::now() + d;
}
inline bool has_passed(Deadline deadline) { return std::chrono::steady_clock::now() >= deadline; }

/// Waits on the current lane.
inline Task<> sleep_for(std::chrono::steady_clock::duration d) {
    Timer timer{co_await asio::this_coro::executor, d};
    co_await timer.async_wait(use_task);
}

}  // namespace stoker
