#include "common/metrics.hpp"
#include "datastore/open_datastore.hpp"
#include "tests/conformance/datastore/call_conformance.hpp"
#include "tests/conformance/datastore/catalog_conformance.hpp"
#include "tests/conformance/datastore/delay_conformance.hpp"
#include "tests/conformance/datastore/expiry_conformance.hpp"
#include "tests/conformance/datastore/idempotency_conformance.hpp"
#include "tests/conformance/datastore/pause_conformance.hpp"
#include "tests/conformance/datastore/race_conformance.hpp"
#include "tests/conformance/datastore/retry_conformance.hpp"
#include "tests/conformance/datastore/schedule_conformance.hpp"
#include "tests/conformance/datastore/sweep_conformance.hpp"
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

TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_apps, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_fns, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_accept, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_finish, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_cancel, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_delays, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_retries, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_keys, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_expiry, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_pauses, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_dead, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_workers, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_redispatch, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_reads, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_races, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_schedules, SqliteBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_schedule_races, SqliteBackend);
