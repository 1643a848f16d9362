#pragma once

// The settings of `stoker start`, `stoker api` and `stoker worker`. The struct's values are the
// defaults; load_start_settings() fills it once, before anything is opened, and finds everything
// that is wrong with it.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/container_settings.hpp"
#include "cli/image_settings.hpp"
#include "cli/role.hpp"
#include "cli/runner_settings.hpp"
#include "common/settings.hpp"

namespace stoker {

struct StartSettings {
    ListenAddress listen{"127.0.0.1", 8080};
    bool insecure = false;   ///< other machines may reach it although there is no authentication
    std::string public_url;  ///< how clients reach it, if not by the Host they name
    std::string log_level = "info";
    std::string log_format = "auto";

    std::string data = "./data";
    std::string db;  ///< by default a SQLite file in `data`
    std::string queue = "embedded:";
    std::string sqlite_sync = "full";
    std::uint64_t disk_reserve = std::uint64_t{64} << 20U;
    std::uint64_t disk_free_min = 0;  ///< 0 is a twentieth of the disk, at most 1 GiB

    std::uint64_t memory = 0;    ///< for containers; 0 is what the machine or cgroup has
    std::uint64_t cpus = 0;      ///< thousandths of processors for containers; 0 is what there is
    std::string run_dir;         ///< by default /run/stoker for root, else /tmp/stoker-<uid>
    std::string run_dir_docker;  ///< run_dir as the engine sees it; empty is the same
    std::string docker_host = "unix:///var/run/docker.sock";
    std::int64_t start_max = 0;  ///< container starts at once; 0 is one per core
    std::int64_t pull_max = 64;  ///< calls claimed at once
    Millis init_timeout{5'000};
    Millis pull_timeout{600'000};
    ContainerSettings containers;
    ImageSettings images;
    RunnerSettings runner;

    std::int64_t lanes = 0;  ///< 0 is one per core
    std::int64_t max_connections = 10'000;
    std::uint64_t max_async_body = std::uint64_t{10} << 20U;
    std::uint64_t max_sync_body = std::uint64_t{1} << 30U;
    std::uint64_t max_sync_response = std::uint64_t{1} << 30U;
    std::uint64_t max_response_header = std::uint64_t{64} << 10U;
    std::uint64_t max_response = std::uint64_t{10} << 20U;
    std::uint64_t max_log = std::uint64_t{1} << 20U;
    std::uint64_t max_header_bytes = std::uint64_t{64} << 10U;
    std::uint64_t max_uri_bytes = std::uint64_t{16} << 10U;
    Millis header_timeout{10'000};
    Millis idle_timeout_http{60'000};
    Millis body_timeout{30'000};
    Millis send_timeout{30'000};
    std::int64_t queue_depth = 1'000'000;
    std::int64_t queue_depth_per_fn = 100'000;
    Millis delay_max = std::chrono::days(30);
    Millis idempotency_ttl = std::chrono::hours(24);

    Millis slot_wait{60'000};  ///< of a synchronous call
    Millis heartbeat{3'000};
    Millis lease{15'000};
    Millis visibility{10'000};
    Millis sweep_interval{1'000};
    Millis sweep_grace{3'000};
    Millis drain{30'000};
};

struct StartOutcome {
    StartSettings settings;
    /// Set when there is nothing to start: 0 for --help and --print-config, 2 for bad settings.
    std::optional<int> exit_code;
    std::string output;               ///< for stdout
    std::vector<std::string> errors;  ///< for stderr, all at once
};

/// `arguments` are those after the name of the command. A role knows only what is of use to it.
StartOutcome load_start_settings(
    std::span<const std::string> arguments, const Environment& environment, Role role = Role::start
);

/// `localhost`, 127.0.0.0/8 or ::1.
bool is_loopback(const std::string& host);

}  // namespace stoker
