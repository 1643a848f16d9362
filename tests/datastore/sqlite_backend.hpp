#pragma once

// A SqliteDatastore in a folder of its own, with options a test may change before it opens.

#include <doctest/doctest.h>

#include <memory>

#include "datastore/sqlite/sqlite_datastore.hpp"
#include "tests/support/temp_dir.hpp"

namespace stoker::test {

struct SqliteBackend {
    TempDir folder;
    SqliteOptions options;

    std::unique_ptr<Datastore> open(const Clock& clock, Metrics& metrics) {
        options.folder = folder.path() / "data";
        auto store = SqliteDatastore::open(options, clock, metrics);
        REQUIRE(store);
        return std::move(*store);
    }
};

}  // namespace stoker::test
