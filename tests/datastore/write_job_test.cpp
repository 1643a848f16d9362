#include "datastore/sqlite/write_job.hpp"

#include <doctest/doctest.h>

#include "datastore/sqlite/connection.hpp"
#include "datastore/sqlite/migrations.hpp"
#include "tests/conformance/datastore/store_fixture.hpp"
#include "tests/support/temp_dir.hpp"

namespace stoker::test {
namespace {

using sqlite::Writer;

/// A writer driven by hand: the test is the batcher.
struct WriterFixture {
    TempDir folder;
    SqliteOptions options{.folder = folder.path()};
    ManualClock clock;
    Metrics metrics;
    asio::io_context lane;
    DiskSpace space{folder.path(), {}, metrics};
    Writer writer{open_migrated(options), options, space, clock, metrics};
    int runs = 0;
    int orphans = 0;

    static SQLite::Database open_migrated(const SqliteOptions& options) {
        auto db = sqlite::open_writer(options);
        REQUIRE(sqlite::migrate(db, "stoker.db"));
        return db;
    }
    auto job() {
        auto work = [this](Writer&) -> Result<int> { return ++runs; };
        auto orphaned = [this](const Result<int>&) { ++orphans; };
        return sqlite::WriteJob(lane.get_executor(), std::move(work), std::move(orphaned));
    }
};

}  // namespace

TEST_CASE("WriteJob: a job whose waiter left before its batch is not run") {
    WriterFixture t;
    auto job = t.job();
    CHECK(job.waiting().leave() == Leaving::not_started);
    t.writer.begin();
    job.run(t.writer);
    CHECK_FALSE(job.completed(t.writer.commit()));
    CHECK(t.runs == 0);
    CHECK(t.orphans == 0);
}

TEST_CASE("WriteJob: the result of a job whose waiter left meanwhile is an orphan") {
    WriterFixture t;
    auto job = t.job();
    t.writer.begin();
    job.run(t.writer);
    CHECK(job.waiting().leave() == Leaving::in_progress);
    CHECK_FALSE(job.completed(t.writer.commit()));
    CHECK(t.runs == 1);
    CHECK(t.orphans == 1);
}

TEST_CASE("WriteJob: a waiter that would leave too late gets the result") {
    WriterFixture t;
    auto job = t.job();
    t.writer.begin();
    job.run(t.writer);
    CHECK(job.completed(t.writer.commit()));
    CHECK(job.waiting().leave() == Leaving::too_late);
    CHECK(t.orphans == 0);
}

TEST_CASE("Writer: a claim that nobody waits for is handed back with the next batch") {
    WriterFixture t;
    App app;
    app.id = app.name = "app";
    Fn fn;
    fn.id = fn.app_id = fn.name = "app";
    NewCall call;
    call.call.id = "call";
    call.call.fn_id = fn.id;
    t.writer.begin();
    REQUIRE(t.writer.catalog().insert_app(app));
    REQUIRE(t.writer.catalog().insert_fn(fn));
    REQUIRE(t.writer.calls().accept(call, "[]", t.clock.now()));
    REQUIRE(t.writer.calls().claim("worker", {"call"}, t.clock.now()).size() == 1);
    REQUIRE_FALSE(t.writer.commit());
    CHECK(t.writer.counts().running == 1);

    t.writer.hand_back_soon({{"call", "worker", 1}});
    t.writer.begin();
    REQUIRE_FALSE(t.writer.commit());
    CHECK(t.writer.counts().running == 0);
    CHECK(t.writer.counts().queued == 1);
}

TEST_CASE("Writer: a job that fails before it changed anything fails alone") {
    WriterFixture t;
    auto failing = [](Writer&) -> Result<void> { throw std::runtime_error("broken row"); };
    auto working = [](Writer& writer) -> Result<App> {
        App app;
        app.id = app.name = "app";
        return writer.catalog().insert_app(app);
    };
    t.writer.begin();
    CHECK(error_of(t.writer.attempt(failing)) == Errc::internal);
    CHECK(t.writer.attempt(working).has_value());
    CHECK_FALSE(t.writer.commit());
}

TEST_CASE("Writer: a job that fails after a change takes its whole batch back") {
    WriterFixture t;
    auto failing = [](Writer& writer) -> Result<void> {
        App app;
        app.id = app.name = "app";
        (void)writer.catalog().insert_app(app);
        throw std::runtime_error("half way");
    };
    t.writer.begin();
    CHECK(error_of(t.writer.attempt(failing)) == Errc::store_unavailable);
    CHECK(t.writer.commit());
    auto looking = [](Writer& writer) { return writer.catalog().update_app("app", {}, {}); };
    t.writer.begin();
    CHECK(error_of(t.writer.attempt(looking)) == Errc::app_not_found);
    CHECK_FALSE(t.writer.commit());
}

}  // namespace stoker::test
