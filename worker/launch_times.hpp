#pragma once

// Where the time of a container's start goes, stage by stage, as histograms. A stage that fails is
// not counted: its time says when somebody gave up, not how long the stage takes.

#include <chrono>

#include "common/metrics.hpp"

namespace stoker {

struct LaunchTimes {
    explicit LaunchTimes(Metrics& metrics) :
        create(stage(metrics, "create")),
        start(stage(metrics, "start")),
        init(stage(metrics, "init")),
        socket(stage(metrics, "socket")) {}

    Histogram& create;  ///< the engine makes the container
    Histogram& start;   ///< the engine starts its first process
    Histogram& init;    ///< our init in it runs and hands over the output pipes
    Histogram& socket;  ///< the function listens

private:
    static Histogram& stage(Metrics& metrics, const char* word) {
        return metrics.histogram(
            "stoker_container_start_seconds",
            "Time of each stage of a container's start",
            {{"stage", word}}
        );
    }
};

/// Time from one lap to the next.
class Stopwatch {
public:
    void lap(Histogram& into) {
        const auto now = std::chrono::steady_clock::now();
        into.observe(std::chrono::duration<double>(now - since_).count());
        since_ = now;
    }

private:
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

}  // namespace stoker
