#include "worker/call_meter.hpp"

#include <utility>

namespace stoker {

namespace {

constexpr std::chrono::seconds asking_max{2};

std::uint64_t grown(std::uint64_t before, std::uint64_t after) {
    return after > before ? after - before : 0;
}

}  // namespace

void CallMeter::begin(Container& container) const {
    if (auto now = driver_.stats_now(container.engine_id)) container.measured = *now;
}

Task<std::optional<CallStats>> CallMeter::end(
    ContainerRef container, std::chrono::steady_clock::duration ran
) const {
    if (ran < worth_a_look) co_return std::nullopt;
    auto now = driver_.stats_now(container->engine_id);
    if (!now && ran >= worth_asking) {
        auto asked = co_await driver_.stats(container->engine_id, deadline_in(asking_max));
        if (asked) now = *asked;
    }
    if (!now) co_return std::nullopt;
    const auto before = std::exchange(container->measured, *now);
    co_return used_between(before, *now);
}

CallStats used_between(const ContainerStats& before, const ContainerStats& after) {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    const auto cpu = after.cpu > before.cpu ? after.cpu - before.cpu : std::chrono::nanoseconds{};
    return {
        .cpu_ms = static_cast<std::uint64_t>(duration_cast<milliseconds>(cpu).count()),
        .memory_peak_bytes = after.memory_peak_bytes,
        .disk_read_bytes = grown(before.disk_read_bytes, after.disk_read_bytes),
        .disk_written_bytes = grown(before.disk_written_bytes, after.disk_written_bytes),
        .net_received_bytes = grown(before.net_received_bytes, after.net_received_bytes),
        .net_sent_bytes = grown(before.net_sent_bytes, after.net_sent_bytes),
    };
}

}  // namespace stoker
