#pragma once

// What the settings of the command line mean to the parts of a server.

#include "api/api.hpp"
#include "cli/start_settings.hpp"
#include "datastore/open_datastore.hpp"
#include "worker/worker.hpp"

namespace stoker {

/// Threads that can run at once.
std::size_t cores();

DatastoreOptions datastore_options(const StartSettings& settings);
ApiSettings api_settings(const StartSettings& settings);
/// `instance` names the installation, `memory_mb` is what containers may use in all.
WorkerSettings worker_settings(
    const StartSettings& settings, std::string instance, std::int64_t memory_mb
);

}  // namespace stoker
