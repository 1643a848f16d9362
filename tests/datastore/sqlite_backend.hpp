#pragma once

// A SqliteDatastore in a folder of its own, with options a test may change before it opens.

#include <doctest/doctest.h>

#include <memory>

#include "datastore/sqlite/sqlite_datastore.hpp"
#include "tests/support/temp_dir.hpp"

namespace stoker::test {

struct SqliteBackend {
    TempDir folder;
    SqliteOptions options = with_small_reserve();

    std::unique_ptr<Datastore> open(const Clock& clock, Metrics& metrics) {
        options.folder = folder.path() / "data";
        auto store = SqliteDatastore::open(options, clock, metrics);
        REQUIRE(store);
        return std::move(*store);
    }

private:
    static SqliteOptions with_small_reserve() {
        SqliteOptions small;
        small.space.reserve_bytes = 1 << 20;
        small.space.free_bytes_min = 1;
        return small;
    }
};

}  // namespace stoker::test
