#pragma once

// Requests and their times per route. The label is the route's pattern, never the path, and a
// counter is looked up by name only once per route and status. Any lane.

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/metrics.hpp"

namespace stoker {

class RouteMetrics {
public:
    RouteMetrics(Metrics& metrics, std::string_view route, std::string_view method);

    void observe(int status, std::chrono::steady_clock::duration took);

private:
    static constexpr int status_min = 100;
    static constexpr int status_max = 599;

    Metrics& metrics_;
    const std::string route_;
    const std::string method_;
    Histogram& seconds_;
    /// Filled on first use; two lanes that race find the same counter.
    std::array<std::atomic<Counter*>, status_max - status_min + 1> by_status_{};
};

}  // namespace stoker
