#pragma once

// Knows whether the container engine answers: asks it every few seconds, and takes the word of a
// call that could not reach it. Tells the worker when it goes and when it is back, and now and then
// that it is time to look for containers that nobody knows of. Made by the worker.

#include <atomic>
#include <functional>
#include <mutex>

#include "common/async/latch.hpp"
#include "worker/containers/container_driver.hpp"

namespace stoker {

class EngineWatch {
public:
    struct Hooks {
        /// Perhaps again while it is away. This and back() must not block or call back.
        std::function<void()> lost;
        std::function<void()> back;
        /// After it came back, and every minute.
        std::function<Task<>()> tidy;
    };
    struct Times {
        Millis between{2'000};  ///< two questions
        Millis patience{5'000};
        int asks_per_tidy = 30;
    };

    EngineWatch(ContainerDriver& driver, Hooks hooks);
    EngineWatch(ContainerDriver& driver, Hooks hooks, Times times);

    /// Until stop(). The engine is taken to be there at first.
    Task<> run();
    void stop() { stopped_.set(true); }

    /// Any thread: somebody could not reach it.
    void not_reached();
    bool is_up() const { return up_; }

private:
    bool reached();  // whether it had been before

    ContainerDriver& driver_;
    const Hooks hooks_;
    const Times times_;
    Latch<bool> stopped_;
    std::mutex mutex_;  // of a change and what it is told to: a late "lost" must not follow "back"
    std::atomic<bool> up_{true};
};

}  // namespace stoker
