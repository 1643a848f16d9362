#include "common/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <iterator>

namespace stoker {

namespace {

std::string render_labels(const Labels& labels) {
    if (labels.empty()) return {};
    std::string out = "{";
    for (const auto& [key, value] : labels) {
        if (out.size() > 1) out += ',';
        out += key;
        out += "=\"";
        for (const char c : value) {
            if (c == '\\' || c == '"') out += '\\';
            if (c == '\n') {
                out += "\\n";
            } else {
                out += c;
            }
        }
        out += '"';
    }
    return out + "}";
}

/// Puts `le="bound"` beside the labels a histogram already has.
std::string with_bound(const std::string& labels, std::string_view bound) {
    if (labels.empty()) return fmt::format("{{le=\"{}\"}}", bound);
    return fmt::format("{},le=\"{}\"}}", labels.substr(0, labels.size() - 1), bound);
}

}  // namespace

void Histogram::observe(double seconds) {
    const auto bucket = std::ranges::lower_bound(bounds, seconds) - bounds.begin();
    buckets_.at(static_cast<std::size_t>(bucket)).fetch_add(1, std::memory_order_relaxed);
    sum_us_.fetch_add(static_cast<std::uint64_t>(seconds * 1e6), std::memory_order_relaxed);
}

Metrics::Series& Metrics::series(
    std::string_view name, std::string_view help, Kind kind, const Labels& labels
) {
    const auto text = render_labels(labels);
    const std::scoped_lock lock(mutex_);
    auto family = std::ranges::find(families_, name, &Family::name);
    if (family == families_.end()) {
        families_.push_back({std::string(name), std::string(help), kind, {}});
        family = std::prev(families_.end());
    }
    assert(family->kind == kind);
    const auto found = std::ranges::find(family->series, text, &Series::labels);
    if (found != family->series.end()) return *found;
    auto& made = family->series.emplace_back();
    made.labels = text;
    return made;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, const Labels& labels) {
    return series(name, help, Kind::counter, labels).counter;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, const Labels& labels) {
    return series(name, help, Kind::histogram, labels).histogram;
}

void Metrics::gauge(
    std::string_view name, std::string_view help, std::function<double()> read, const Labels& labels
) {
    auto& made = series(name, help, Kind::gauge, labels);
    const std::scoped_lock lock(mutex_);
    made.read = std::move(read);
}

std::string Metrics::render() const {
    constexpr std::array<std::string_view, 3> kinds{"counter", "gauge", "histogram"};
    std::string out;
    auto to = std::back_inserter(out);
    const std::scoped_lock lock(mutex_);
    for (const auto& family : families_) {
        fmt::format_to(to, "# HELP {} {}\n", family.name, family.help);
        const auto kind = kinds.at(static_cast<std::size_t>(family.kind));
        fmt::format_to(to, "# TYPE {} {}\n", family.name, kind);
        for (const auto& s : family.series) {
            if (family.kind == Kind::counter) {
                fmt::format_to(to, "{}{} {}\n", family.name, s.labels, s.counter.value());
            } else if (family.kind == Kind::gauge) {
                fmt::format_to(to, "{}{} {}\n", family.name, s.labels, s.read ? s.read() : 0.0);
            } else {
                std::uint64_t total = 0;
                for (std::size_t i = 0; i <= Histogram::bounds.size(); ++i) {
                    total += s.histogram.buckets_.at(i).load(std::memory_order_relaxed);
                    const auto bound = i < Histogram::bounds.size()
                                           ? fmt::format("{}", Histogram::bounds.at(i))
                                           : std::string("+Inf");
                    fmt::format_to(
                        to, "{}_bucket{} {}\n", family.name, with_bound(s.labels, bound), total
                    );
                }
                const auto sum = static_cast<double>(s.histogram.sum_us_.load()) / 1e6;
                fmt::format_to(to, "{}_sum{} {}\n", family.name, s.labels, sum);
                fmt::format_to(to, "{}_count{} {}\n", family.name, s.labels, total);
            }
        }
    }
    return out;
}

}  // namespace stoker
