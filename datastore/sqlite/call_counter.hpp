#pragma once

// The ledger in numbers: how many calls are in each state that is not an end, counted from the file
// at open and moved by the transitions whose transaction committed, and how many were accepted and
// ended since. What was live at open and what was accepted is always what has ended and what is
// live. Only the writer changes it; any thread reads it.

#include <array>
#include <atomic>
#include <cstdint>

#include "common/metrics.hpp"
#include "datastore/datastore.hpp"

namespace stoker::sqlite {

constexpr std::size_t call_status_count = 8;

/// What the transitions of one batch change, kept apart until its commit.
struct CountChange {
    std::uint64_t accepted = 0;
    std::array<std::int64_t, call_status_count> by_status{};

    void left(CallStatus status) { --of(status); }
    void entered(CallStatus status) { ++of(status); }
    std::int64_t& of(CallStatus status) { return by_status.at(static_cast<std::size_t>(status)); }
};

class CallCounter {
public:
    explicit CallCounter(Metrics& metrics) :
        accepted_(metrics.counter(
            "stoker_ledger_accepted_total", "Calls stored since this process opened the datastore"
        )) {
        for (std::size_t i = 0; i < call_status_count; ++i) {
            const auto status = static_cast<CallStatus>(i);
            const Labels label{{"status", std::string(to_word(status))}};
            if (is_terminal(status)) {
                ended_.at(i) = &metrics.counter(
                    "stoker_ledger_ended_total", "Calls that ended since then", label
                );
                continue;
            }
            metrics.gauge(
                "stoker_ledger_live",
                "Calls that have not ended",
                [this, status] { return static_cast<double>(live(status)); },
                label
            );
        }
        metrics.gauge(
            "stoker_ledger_live_at_open",
            "Calls that had not ended when this process opened the datastore",
            [this] { return static_cast<double>(live_at_open_.load()); }
        );
    }

    /// What the file holds at open.
    void open_with(const CallCounts& counts) {
        live_.at(0) = static_cast<std::int64_t>(counts.delayed);
        live_.at(1) = static_cast<std::int64_t>(counts.queued);
        live_.at(2) = static_cast<std::int64_t>(counts.running);
        live_at_open_ = counts.delayed + counts.queued + counts.running;
    }
    void apply(const CountChange& change) {
        accepted_.add(change.accepted);
        for (std::size_t i = 0; i < call_status_count; ++i) {
            const auto by = change.by_status.at(i);
            if (ended_.at(i) != nullptr) {
                ended_.at(i)->add(static_cast<std::uint64_t>(by));
            } else {
                live_.at(i).fetch_add(by, std::memory_order_relaxed);
            }
        }
    }
    CallCounts now() const {
        return {
            .delayed = live(CallStatus::delayed),
            .queued = live(CallStatus::queued),
            .running = live(CallStatus::running)
        };
    }

private:
    std::uint64_t live(CallStatus status) const {
        const auto value =
            live_.at(static_cast<std::size_t>(status)).load(std::memory_order_relaxed);
        return value > 0 ? static_cast<std::uint64_t>(value) : 0;
    }

    Counter& accepted_;
    std::array<Counter*, call_status_count> ended_{};
    std::array<std::atomic<std::int64_t>, 3> live_{};
    std::atomic<std::uint64_t> live_at_open_{0};
};

}  // namespace stoker::sqlite
