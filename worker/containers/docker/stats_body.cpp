#include "worker/containers/docker/stats_body.hpp"

#include <algorithm>

#include "worker/containers/docker/json_fields.hpp"

namespace stoker {

namespace {

std::uint64_t count_at(const nlohmann::json& from, const char* key) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer_at(from, key)));
}

}  // namespace

ContainerStats stats_from(std::string_view body) {
    const auto told = nlohmann::json::parse(body, nullptr, false);
    ContainerStats stats;
    stats.cpu = std::chrono::nanoseconds(
        integer_at(object_at(object_at(told, "cpu_stats"), "cpu_usage"), "total_usage")
    );
    // With version 2 the engine tells no peak.
    const auto& memory = object_at(told, "memory_stats");
    stats.memory_peak_bytes = std::max(count_at(memory, "max_usage"), count_at(memory, "usage"));
    const auto& disk = object_at(told, "blkio_stats");
    const auto served = disk.find("io_service_bytes_recursive");
    if (served != disk.end() && served->is_array()) {
        for (const auto& entry : *served) {
            const auto operation = text_at(entry, "op");
            if (operation == "Read" || operation == "read") {
                stats.disk_read_bytes += count_at(entry, "value");
            } else if (operation == "Write" || operation == "write") {
                stats.disk_written_bytes += count_at(entry, "value");
            }
        }
    }
    for (const auto& network : object_at(told, "networks")) {
        stats.net_received_bytes += count_at(network, "rx_bytes");
        stats.net_sent_bytes += count_at(network, "tx_bytes");
    }
    return stats;
}

}  // namespace stoker
