#pragma once

// Runs one coroutine to its end on a lane of its own and gives back what it returns or throws.

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <optional>

#include "common/async/task.hpp"

namespace stoker::test {

template <class T>
T run(Task<T> task) {
    asio::io_context lane(1);
    std::exception_ptr failure;
    std::optional<T> value;
    asio::co_spawn(
        lane.get_executor(),
        std::move(task),
        [&](const std::exception_ptr& e, T result) {
            failure = e;
            value.emplace(std::move(result));
        }
    );
    lane.run();
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
}

inline void run(Task<> task) {
    asio::io_context lane(1);
    std::exception_ptr failure;
    asio::co_spawn(lane.get_executor(), std::move(task), [&](const std::exception_ptr& e) {
        failure = e;
    });
    lane.run();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace stoker::test
