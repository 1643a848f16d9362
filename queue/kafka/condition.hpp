#pragma once

// Whether the cluster can be used, as the parts of the queue find out: those that ask it say that
// it answered or what went wrong, those that would ask look first. Each fault is counted, and told
// once until the cluster answers again. Thread-safe.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>

#include "common/metrics.hpp"
#include "queue/kafka/fault.hpp"

namespace stoker::kafka {

class Condition {
public:
    enum class State : std::uint8_t {
        connecting,  ///< for the first time
        up,
        down,
    };

    explicit Condition(Metrics& metrics) : metrics_(metrics) {}

    State state() const { return state_.load(std::memory_order_relaxed); }
    /// It answers, but took no messages the last time.
    bool is_refusing() const { return is_refusing_.load(std::memory_order_relaxed); }

    void answered();
    /// Of one message, one fetch, one commit: the cluster may be fine.
    void failed(const Fault& fault);
    /// Nothing in it answers.
    void went_down(const Fault& fault);
    void took_messages(bool taken) { is_refusing_.store(!taken, std::memory_order_relaxed); }
    /// The Metrics may end before those who still hold this.
    void abandon() { is_abandoned_.store(true); }

private:
    void tell(const Fault& fault);

    Metrics& metrics_;
    std::atomic<State> state_{State::connecting};
    std::atomic<bool> is_refusing_{false};
    std::atomic<bool> is_abandoned_{false};
    std::mutex mutex_;
    std::set<int> told_;
};

}  // namespace stoker::kafka
