#include "api/route_metrics.hpp"

#include <algorithm>

namespace stoker {

RouteMetrics::RouteMetrics(Metrics& metrics, std::string_view route, std::string_view method) :
    metrics_(metrics),
    route_(route),
    method_(method),
    seconds_(metrics.histogram(
        "stoker_http_request_seconds",
        "Time from the header to the end of the answer",
        {{"route", route_}}
    )) {}

void RouteMetrics::observe(int status, std::chrono::steady_clock::duration took) {
    const auto at =
        static_cast<std::size_t>(std::clamp(status, status_min, status_max) - status_min);
    auto* counter = by_status_.at(at).load(std::memory_order_acquire);
    if (counter == nullptr) {
        counter = &metrics_.counter(
            "stoker_http_requests_total",
            "Requests answered",
            {{"route", route_}, {"method", method_}, {"status", std::to_string(status)}}
        );
        by_status_.at(at).store(counter, std::memory_order_release);
    }
    counter->add();
    seconds_.observe(std::chrono::duration<double>(took).count());
}

}  // namespace stoker
