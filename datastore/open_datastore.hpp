#pragma once

// Which Datastore a URL means: the only place that knows the backends.
//
//   sqlite:                    stoker.db in the data folder
//   sqlite:<folder>            stoker.db in that folder
//   sqlite:<path>.db           that file; lock and blobs stand beside it
//
//   postgres://user:password@host:port/database
//                              a PostgreSQL database, in the syntax of libpq (several hosts,
//                              `?sslmode=verify-full` …); postgresql: is the same
//
// sqlite3: is the same as sqlite:, and `//` before an absolute path may be written.

#include <filesystem>
#include <memory>
#include <string_view>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "datastore/datastore.hpp"
#include "datastore/disk_space.hpp"
#include "model/call_events.hpp"

namespace stoker {

struct DatastoreOptions {
    // Of SQLite.
    std::filesystem::path data_folder = "data";  ///< where a URL without a path puts its files
    bool survives_power_cut = true;              ///< false trades the last commits for speed
    DiskSpaceOptions space{};
};

/// Whether open_datastore() would understand it, without opening anything.
Result<void> check_datastore_url(std::string_view url);

/// Whether other processes may use that store at the same time. If not, whoever ran its calls
/// before this process opened it is dead.
bool is_shared_datastore(std::string_view url);

/// Opens, makes or migrates the store; blocks. An Error's message is for the operator. The clock
/// and the metrics must outlive the store.
Result<std::unique_ptr<Datastore>> open_datastore(
    std::string_view url, const DatastoreOptions& options, const Clock& clock, Metrics& metrics
);

/// The events of the calls in that store: of this process, or of all that share the store. The URL
/// is one that open_datastore() has opened.
std::unique_ptr<CallEvents> open_call_events(std::string_view url, Metrics& metrics);

}  // namespace stoker
