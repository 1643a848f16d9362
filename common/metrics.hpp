#pragma once

// Counters, gauges and histograms, printed in Prometheus' text format. There is no global registry:
// cli makes one Metrics and hands it to the parts, which keep references to their own counters.
// Updating is lock-free; making a metric and rendering take a mutex. Labels carry ids and bounded
// words, never user-given names.

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stoker {

class Counter {
public:
    void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
    std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// Latencies in seconds over fixed buckets, 100 µs to 60 s.
class Histogram {
public:
    static constexpr std::array<double, 18> bounds{
        0.0001,
        0.00025,
        0.0005,
        0.001,
        0.0025,
        0.005,
        0.01,
        0.025,
        0.05,
        0.1,
        0.25,
        0.5,
        1,
        2.5,
        5,
        10,
        30,
        60
    };
    void observe(double seconds);

private:
    friend class Metrics;
    std::array<std::atomic<std::uint64_t>, bounds.size() + 1> buckets_{};
    std::atomic<std::uint64_t> sum_us_{0};
};

using Labels = std::vector<std::pair<std::string, std::string>>;

class Metrics {
public:
    /// One line of HELP per name; the same name and labels give the same object. References stay
    /// valid as long as the Metrics.
    Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
    Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {});
    /// Read when rendering, on the rendering thread.
    void gauge(
        std::string_view name,
        std::string_view help,
        std::function<double()> read,
        const Labels& labels = {}
    );

    /// Prometheus text format 0.0.4.
    std::string render() const;

private:
    struct Series {
        std::string labels;  // {a="b"} or empty
        Counter counter;
        Histogram histogram;
        std::function<double()> read;
    };
    enum class Kind : std::uint8_t { counter, gauge, histogram };
    struct Family {
        std::string name;
        std::string help;
        Kind kind;
        std::deque<Series> series;
    };
    Series& series(std::string_view name, std::string_view help, Kind kind, const Labels& labels);

    mutable std::mutex mutex_;
    std::deque<Family> families_;
};

}  // namespace stoker
