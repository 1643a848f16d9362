#pragma once

// The event-loop threads of the process. Each lane is an io_context run by exactly one thread; an
// object belongs to one lane or guards itself. Created first and destroyed last by cli.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "common/async/task.hpp"

namespace stoker {

class Lanes {
public:
    explicit Lanes(std::size_t count);
    ~Lanes();
    Lanes(const Lanes&) = delete;
    Lanes& operator=(const Lanes&) = delete;

    std::size_t size() const { return contexts_.size(); }
    Executor at(std::size_t i) { return contexts_[i]->get_executor(); }
    /// Lanes in turn, for work that belongs to no connection.
    Executor next() { return at(turn_.fetch_add(1, std::memory_order_relaxed) % size()); }

    /// Starts the threads.
    void start();
    /// Ends the loops after the handlers now running, joins the threads and destroys the Tasks that
    /// still wait, while all they refer to is alive. Not from a lane.
    void stop();

private:
    struct Context : asio::io_context {
        using asio::execution_context::shutdown;
        using asio::io_context::io_context;
    };
    std::vector<std::unique_ptr<Context>> contexts_;
    std::vector<asio::executor_work_guard<Executor>> work_;
    std::vector<std::thread> threads_;
    std::atomic<std::size_t> turn_{0};
    bool is_shut_down_ = false;
};

}  // namespace stoker
