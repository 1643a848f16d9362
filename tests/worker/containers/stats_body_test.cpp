#include "worker/containers/docker/stats_body.hpp"

#include <doctest/doctest.h>

using namespace stoker;
using namespace std::chrono_literals;

TEST_CASE("stats body: what the engine counted is added up") {
    const auto stats = stats_from(R"({
        "cpu_stats": {"cpu_usage": {"total_usage": 1500000000, "usage_in_usermode": 1}},
        "memory_stats": {"usage": 100, "max_usage": 4096},
        "blkio_stats": {"io_service_bytes_recursive": [
            {"major": 8, "op": "Read", "value": 100}, {"major": 8, "op": "Write", "value": 20},
            {"major": 8, "op": "Total", "value": 120}, {"major": 9, "op": "read", "value": 1}]},
        "networks": {"eth0": {"rx_bytes": 1000, "tx_bytes": 200}, "eth1": {"rx_bytes": 5}}})");
    CHECK(stats.cpu == 1500ms);
    CHECK(stats.memory_peak_bytes == 4096);
    CHECK(stats.disk_read_bytes == 101);
    CHECK(stats.disk_written_bytes == 20);
    CHECK(stats.net_received_bytes == 1005);
    CHECK(stats.net_sent_bytes == 200);
}

TEST_CASE("stats body: an engine that tells no peak tells the present use") {
    CHECK(stats_from(R"({"memory_stats": {"usage": 100}})").memory_peak_bytes == 100);
}

TEST_CASE("stats body: what is missing, null or of another type is zero") {
    CHECK(stats_from("") == ContainerStats{});
    CHECK(stats_from("[]") == ContainerStats{});
    CHECK(stats_from(R"({"cpu_stats": null, "networks": [1, {"rx_bytes": "x"}],
        "blkio_stats": {"io_service_bytes_recursive": null},
        "memory_stats": {"usage": -5}})") == ContainerStats{});
}
