#pragma once

// Wakes the one Task that waits for it: when a queue of librdkafka gets something (through an
// eventfd, so that no thread of ours polls), when another thread says so, or when time is over.

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <memory>

#include "common/async/task.hpp"

struct rd_kafka_queue_s;

namespace stoker::kafka {

class Waker {
public:
    explicit Waker(Executor lane);
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;
    ~Waker() = default;

    /// From now on what arrives in an empty queue wakes. The queue ends before the Waker.
    void watch(rd_kafka_queue_s* queue) const;

    /// Any thread, never blocks.
    void wake() const noexcept;
    /// On the lane. At once when woken since the last wait.
    Task<> wait(Deadline deadline);
    /// On the lane: nothing is waited for any more.
    void stop();

private:
    using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
    struct State {
        State(Executor lane, int fd) : event(lane, fd), timer(lane) {}
        Descriptor event;
        Timer timer;
        bool is_listening = false;  // from the first wait on
        bool is_woken = false;
        bool is_stopped = false;
    };
    static void listen(const std::shared_ptr<State>& state);

    std::shared_ptr<State> state_;
    int fd_;
};

}  // namespace stoker::kafka
