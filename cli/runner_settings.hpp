#pragma once

// The settings by which apis and workers in processes of their own find each other, and the check
// that what they share can be shared. Part of StartSettings.

#include <string>
#include <vector>

#include "common/settings.hpp"

namespace stoker {

struct RunnerSettings {
    ListenAddress listen{"127.0.0.1", 8090};  ///< of a worker's runner endpoint
    std::string url;                          ///< how apis reach it; by default what it listens on
    std::vector<std::string> workers;         ///< `host:port`; empty: those of the datastore
};

/// Of a worker.
void add_runner_endpoint(Settings& table, RunnerSettings& to);
/// Of an api.
void add_runner_list(Settings& table, RunnerSettings& to);

/// What other processes cannot use as well is an error that says what to use.
void check_shared(
    const std::string& db, const std::string& queue, std::vector<std::string>& errors
);

/// `host:port` of a runner endpoint that listens there, as its url says or else by itself.
std::string advertised_address(const RunnerSettings& settings, std::uint16_t port);

}  // namespace stoker
