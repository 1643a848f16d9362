#pragma once

// Reads a pipe to its end, for tests.

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>

#include <array>
#include <string>

#include "common/async/task.hpp"
#include "common/unique_fd.hpp"

namespace stoker::test {

inline Task<std::string> read_pipe(UniqueFd end) {
    asio::posix::basic_stream_descriptor<Executor> pipe(
        co_await asio::this_coro::executor, end.release()
    );
    std::string all;
    std::array<char, 4096> block{};
    for (;;) {
        const auto [problem, got] =
            co_await pipe.async_read_some(asio::buffer(block), asio::as_tuple(use_task));
        if (problem) co_return all;
        all.append(block.data(), got);
    }
}

}  // namespace stoker::test
