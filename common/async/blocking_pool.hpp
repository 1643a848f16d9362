#pragma once

// Threads for calls that block (database reads, file I/O), behind a bounded queue: "full" is an
// error the caller sees, never an unbounded wait. Jobs must not throw.

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "common/async/one_shot.hpp"

namespace stoker {

class BlockingPool {
public:
    BlockingPool(std::size_t threads, std::size_t waiting_max);
    ~BlockingPool();
    BlockingPool(const BlockingPool&) = delete;
    BlockingPool& operator=(const BlockingPool&) = delete;

    /// Runs `work` on a pool thread. Empty when the pool is full or stopped, or the deadline passed
    /// first; in the last case the work still runs to its end, unobserved.
    template <class Work>
    Task<std::optional<std::invoke_result_t<Work>>> run(Work work, Deadline deadline) {
        OneShot<std::invoke_result_t<Work>> done(co_await asio::this_coro::executor);
        if (!post([work = std::move(work), done]() mutable { done.set(work()); })) {
            co_return std::nullopt;
        }
        co_return co_await done.wait(deadline);
    }

    /// Any thread; false when full or stopped.
    bool post(std::move_only_function<void()> work);

    /// Runs what waits, then ends the threads.
    void stop();

private:
    void loop();

    const std::size_t waiting_max_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::move_only_function<void()>> waiting_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace stoker
