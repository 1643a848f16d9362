#include "tests/conformance/datastore/call_conformance.hpp"
#include "tests/conformance/datastore/catalog_conformance.hpp"
#include "tests/conformance/datastore/delay_conformance.hpp"
#include "tests/conformance/datastore/expiry_conformance.hpp"
#include "tests/conformance/datastore/idempotency_conformance.hpp"
#include "tests/conformance/datastore/pause_conformance.hpp"
#include "tests/conformance/datastore/race_conformance.hpp"
#include "tests/conformance/datastore/retry_conformance.hpp"
#include "tests/conformance/datastore/sweep_conformance.hpp"
#include "tests/support/postgres_backend.hpp"

using stoker::test::PostgresBackend;

TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_apps, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_fns, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_accept, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_finish, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_cancel, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_delays, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_retries, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_keys, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_expiry, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_pauses, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_dead, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_workers, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_redispatch, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_reads, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_races, PostgresBackend);
