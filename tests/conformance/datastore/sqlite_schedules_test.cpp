#include "datastore/open_datastore.hpp"
#include "tests/conformance/datastore/schedule_conformance.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

struct SqliteBackend {
    stoker::test::TempDir folder;

    std::unique_ptr<stoker::Datastore> open(const stoker::Clock& clock, stoker::Metrics& metrics) {
        auto store = stoker::open_datastore("sqlite:" + folder.file("data"), {}, clock, metrics);
        REQUIRE(store);
        return std::move(*store);
    }
};

}  // namespace

TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_schedules, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_schedule_races, SqliteBackend);
