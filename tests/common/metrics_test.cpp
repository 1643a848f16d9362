#include "common/metrics.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace stoker;

TEST_CASE("Metrics: counters, gauges and histograms print in Prometheus' text format") {
    Metrics metrics;
    metrics.counter("calls_total", "Calls", {{"code", "200"}}).add(3);
    metrics.counter("calls_total", "Calls", {{"code", "500"}}).add();
    metrics.gauge("waiting", "Waiting", [] { return 1.5; });
    auto& times = metrics.histogram("seconds", "Times");
    times.observe(0.0001);
    times.observe(0.3);
    times.observe(100);
    const auto text = metrics.render();
    CHECK(
        text.starts_with("# HELP calls_total Calls\n# TYPE calls_total counter\n"
                         "calls_total{code=\"200\"} 3\ncalls_total{code=\"500\"} 1\n"
                         "# HELP waiting Waiting\n# TYPE waiting gauge\nwaiting 1.5\n")
    );
    for (const auto* line :
         {"seconds_bucket{le=\"0.0001\"} 1\n",
          "seconds_bucket{le=\"0.25\"} 1\n",
          "seconds_bucket{le=\"0.5\"} 2\n",
          "seconds_bucket{le=\"60\"} 2\n",
          "seconds_bucket{le=\"+Inf\"} 3\n",
          "seconds_sum 100.3001\n",
          "seconds_count 3\n"}) {
        CAPTURE(line);
        CHECK(text.contains(line));
    }
}

TEST_CASE("Metrics: the same name and labels are the same metric, and labels are escaped") {
    Metrics metrics;
    auto& one = metrics.counter("c", "C", {{"a", "x\"\\\n"}});
    auto& same = metrics.counter("c", "C", {{"a", "x\"\\\n"}});
    CHECK(&one == &same);
    one.add(2);
    CHECK(metrics.render().contains("c{a=\"x\\\"\\\\\\n\"} 2\n"));
    metrics.histogram("h", "H", {{"a", "b"}}).observe(0);
    CHECK(metrics.render().contains("h_bucket{a=\"b\",le=\"0.0001\"} 1\n"));
}

TEST_CASE("Metrics: threads may make, count and render at once") {
    Metrics metrics;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 500; ++i) {
                metrics.counter("all", "All").add();
                metrics.counter("own", "Own", {{"t", std::to_string(t)}}).add();
                if (i % 100 == 0) (void)metrics.render();
            }
        });
    }
    threads.clear();
    CHECK(metrics.counter("all", "All").value() == 2000);
    CHECK(metrics.counter("own", "Own", {{"t", "2"}}).value() == 500);
}
