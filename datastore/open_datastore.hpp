#pragma once

// Which Datastore a URL means: the only place that knows the backends.
//
//   sqlite:                    stoker.db in the data folder
//   sqlite:<folder>            stoker.db in that folder
//   sqlite:<path>.db           that file; lock and blobs stand beside it
//
// sqlite3: is the same, and `//` before an absolute path may be written.

#include <filesystem>
#include <memory>
#include <string_view>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "datastore/datastore.hpp"
#include "datastore/disk_space.hpp"

namespace stoker {

struct DatastoreOptions {
    std::filesystem::path data_folder = "data";  ///< where a URL without a path puts its files
    bool survives_power_cut = true;              ///< false trades the last commits for speed
    DiskSpaceOptions space{};
};

/// Opens, makes or migrates the store; blocks. An Error's message is for the operator. The clock
/// and the metrics must outlive the store.
Result<std::unique_ptr<Datastore>> open_datastore(
    std::string_view url, const DatastoreOptions& options, const Clock& clock, Metrics& metrics
);

}  // namespace stoker
