#pragma once

// Runs one coroutine to its end on a lane of its own and gives back what it returns or throws.

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "common/async/task.hpp"

namespace stoker::test {

/// A lane for one run(). Lanes must outlive what other threads do with them, and a thread that has
/// just set a OneShot still holds a timer of the waiter's lane: so a lane whose work is done is
/// kept and used again, never destroyed before the process ends.
class BorrowedLane {
public:
    BorrowedLane() {
        const std::scoped_lock lock(shelf().mutex);
        auto& lanes = shelf().lanes;
        if (lanes.empty()) lanes.push_back(std::make_unique<asio::io_context>(1));
        lane_ = std::move(lanes.back());
        lanes.pop_back();
    }
    BorrowedLane(const BorrowedLane&) = delete;
    BorrowedLane& operator=(const BorrowedLane&) = delete;

    Executor executor() { return lane_->get_executor(); }

    /// Until nothing is left to do. A lane that a handler's exception left with work is not kept.
    void run() {
        lane_->run();
        lane_->restart();
        const std::scoped_lock lock(shelf().mutex);
        shelf().lanes.push_back(std::move(lane_));
    }

    ~BorrowedLane() = default;

private:
    struct Shelf {
        std::mutex mutex;
        std::vector<std::unique_ptr<asio::io_context>> lanes;
    };
    static Shelf& shelf() {
        static Shelf shelf;
        return shelf;
    }

    std::unique_ptr<asio::io_context> lane_;
};

template <class T>
T run(Task<T> task) {
    BorrowedLane lane;
    std::exception_ptr failure;
    std::optional<T> value;
    asio::co_spawn(lane.executor(), std::move(task), [&](const std::exception_ptr& e, T result) {
        failure = e;
        value.emplace(std::move(result));
    });
    lane.run();
    if (failure) std::rethrow_exception(failure);
    return std::move(*value);
}

inline void run(Task<> task) {
    BorrowedLane lane;
    std::exception_ptr failure;
    asio::co_spawn(lane.executor(), std::move(task), [&](const std::exception_ptr& e) {
        failure = e;
    });
    lane.run();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace stoker::test
