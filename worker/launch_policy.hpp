#pragma once

// When another container is worth starting, as arithmetic on numbers: no clock, no lock, no I/O.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace stoker {

struct LaunchPolicy {
    std::size_t start_max = 4;  ///< engine starts at once
    std::size_t cores = 2;
    double expected_start_s = 0.3;  ///< until one has been measured
    std::int64_t milli_cpus = 0;    ///< of containers in use and starting; 0: not counted
    /// For how long a key that waits for memory may be passed over, and a container serves before
    /// it has to make way for such a key.
    std::chrono::milliseconds fair_after{1'000};
};

/// One slot key as the policy sees it.
struct Demand {
    using Time = std::chrono::steady_clock::time_point;
    std::size_t waiting = 0;
    std::size_t starting = 0;
    std::size_t alive = 0;               ///< idle or busy containers
    std::optional<double> mean_run_s{};  ///< of past calls
    double mean_start_s = 0.3;
    Time waiting_since{};  ///< somebody has waited without a break since then
    Time latest_end{};     ///< of a call of this key
    Time latest_launch{};
    std::optional<Time> behind_since{};  ///< is_behind() without a break since then
};

/// Whether those who wait would wait longer for the containers there are than for a new one.
inline bool is_behind(const Demand& demand) {
    const auto containers = demand.alive + demand.starting;
    const double mean_run_s = demand.mean_run_s.value_or(demand.mean_start_s);
    return static_cast<double>(demand.waiting) * mean_run_s >
           demand.mean_start_s * static_cast<double>(containers);
}

/// When to start one more container for the key; in the past means now, empty means not as things
/// are.
///  - Never more starting than waiting. With no container at all: at once.
///  - When the containers there are do not keep up: waiting × mean run / containers > mean start.
///  At
///    once where a run takes longer than a start. Shorter ones are measured too long while a burst
///    of callers keeps our own lanes from their answers, and a container started for that would
///    only keep them longer: so it must have been so for half a start.
///  - When no call has ended for that long: a call may run longer than any before it. Once that has
///    led to a launch and still none has ended, after a tenth of a start each.
///  - When somebody has waited without a break for as long as a start takes, although runs are
///  short:
///    the load is not a burst. Such runs are bound by the CPU, so only up to twice the cores.
inline std::optional<Demand::Time> launch_due(const Demand& demand, const LaunchPolicy& policy) {
    if (demand.waiting <= demand.starting) return std::nullopt;
    const auto containers = demand.alive + demand.starting;
    if (containers == 0) return Demand::Time::min();

    const auto after = [&](double starts) {
        return std::chrono::duration_cast<Demand::Time::duration>(
            std::chrono::duration<double>(starts * demand.mean_start_s)
        );
    };
    auto due = Demand::Time::max();
    if (is_behind(demand)) {
        const bool is_measured = demand.alive > 0 && demand.mean_run_s;
        if (!is_measured || *demand.mean_run_s > demand.mean_start_s) return Demand::Time::min();
        if (demand.behind_since) due = *demand.behind_since + after(0.5);
    }
    const auto per_container =
        static_cast<double>(demand.waiting) / static_cast<double>(containers);
    const double patience = demand.latest_launch > demand.latest_end ? 0.1 : 0.5;
    const auto quiet_since = std::max(demand.latest_end, demand.waiting_since);
    due = std::min(due, quiet_since + after(std::max(patience, 1 / per_container)));
    if (containers < 2 * policy.cores) due = std::min(due, demand.waiting_since + after(1));
    return due;
}

}  // namespace stoker
