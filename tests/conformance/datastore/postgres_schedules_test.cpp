#include "tests/conformance/datastore/schedule_conformance.hpp"
#include "tests/support/postgres_backend.hpp"

using stoker::test::PostgresBackend;

TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_schedules, PostgresBackend);
TEST_CASE_TEMPLATE_INVOKE(stoker::test::datastore_schedule_races, PostgresBackend);

namespace stoker::test {

// Several stores of one process, which share nothing but the database.
TEST_CASE("PostgresDatastore: processes that race for due schedules make one call for each time") {
    ScheduleFixture<PostgresBackend> t(3);
    std::vector<std::unique_ptr<Datastore>> others;
    std::vector<Datastore*> stores{t.store.get()};
    for (int i = 0; i < 2; ++i) {
        others.push_back(t.backend.open(t.clock, t.metrics));
        stores.push_back(others.back().get());
    }
    race_for_schedules(t, stores);
    for (auto& other : others) other->close();
}

}  // namespace stoker::test
