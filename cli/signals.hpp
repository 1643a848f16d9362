#pragma once

// Signals as events of the main thread. Made before any other thread starts, so that all inherit
// the blocked mask and only wait() sees them.

#include <atomic>
#include <csignal>

namespace stoker {

class Signals {
public:
    Signals();
    /// Blocks until SIGTERM, SIGINT, SIGHUP or wake(); the signal, or 0 for wake().
    int wait() const;
    /// Any thread.
    void wake();

private:
    sigset_t set_{};
    std::atomic<bool> woken_{false};
};

}  // namespace stoker
