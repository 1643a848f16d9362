#include <doctest/doctest.h>
#include <SQLiteCpp/Database.h>
#include <sys/stat.h>

#include "datastore/open_datastore.hpp"
#include "datastore/sqlite/migrations.hpp"
#include "tests/conformance/datastore/store_fixture.hpp"
#include "tests/datastore/sqlite_backend.hpp"
#include "tests/support/temp_dir.hpp"

namespace stoker::test {
namespace {

Result<std::unique_ptr<Datastore>> open(std::string_view url, DatastoreOptions options = {}) {
    static const SystemClock clock;
    static Metrics metrics;
    return open_datastore(url, options, clock, metrics);
}

mode_t mode_of(const std::string& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777U;
}

}  // namespace

TEST_CASE("SqliteDatastore: after it is closed and opened again everything is there") {
    Fixture<SqliteBackend> t;
    const auto waiting = t.accept();
    const auto done = t.run_one();
    REQUIRE(t.run(t.store->finish(t.success(done))) == true);
    t.reopen();
    CHECK(t.run(t.store->get_fn(t.fn.id)) == t.fn);
    CHECK(t.status_of(waiting) == CallStatus::queued);
    CHECK(t.status_of(done.call_id) == CallStatus::success);
    CHECK(t.run(t.store->get_response(Scope::all(), done.call_id))->body.bytes == "answer");
    CHECK(t.run(t.store->get_log(Scope::all(), done.call_id, 0))->size() == 1);
    CHECK(t.counts().queued == 1);
    CHECK(t.claim(waiting).attempt == 1);
}

TEST_CASE("SqliteDatastore: a second opener is refused and told which folder is in use") {
    const TempDir folder;
    const auto url = "sqlite:" + folder.file("data");
    auto first = open(url);
    REQUIRE(first);
    const auto second = open(url);
    REQUIRE_FALSE(second);
    CHECK(second.error().text().contains(folder.file("data")));
    (*first)->close();
    first->reset();
    CHECK(open(url).has_value());
}

TEST_CASE("SqliteDatastore: its files are for their owner only") {
    const TempDir folder;
    const auto store = open("sqlite:" + folder.file("data"));
    REQUIRE(store);
    CHECK(mode_of(folder.file("data")) == 0700);
    for (const auto* file : {"data/stoker.db", "data/stoker.db-wal", "data/lock"}) {
        CHECK(mode_of(folder.file(file)) == 0600);
    }
}

TEST_CASE("SqliteDatastore: a file of a newer program is refused and left alone") {
    const TempDir folder;
    REQUIRE(open("sqlite:" + folder.file("data")));
    const auto newer = std::to_string(sqlite::schema_version() + 1);
    {
        SQLite::Database db(folder.file("data/stoker.db"), SQLite::OPEN_READWRITE);
        db.exec("PRAGMA user_version = " + newer);
    }
    const auto refused = open("sqlite:" + folder.file("data"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text().contains("newer"));
    SQLite::Database db(folder.file("data/stoker.db"), SQLite::OPEN_READONLY);
    CHECK(db.execAndGet("PRAGMA user_version").getString() == newer);
}

TEST_CASE("SqliteDatastore: what is not a database is refused") {
    const TempDir folder;
    folder.write("notes.db", std::string(10'000, 'x'));
    const auto refused = open("sqlite:" + folder.file("notes.db"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text().contains(folder.file("notes.db")));
}

TEST_CASE("migrate: an empty file gets the whole schema, a second run changes nothing") {
    const TempDir folder;
    SQLite::Database db(folder.file("x.db"), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    REQUIRE(sqlite::migrate(db, "x.db"));
    CHECK(db.execAndGet("PRAGMA user_version").getInt() == sqlite::schema_version());
    for (const auto* table :
         {"apps", "fns", "calls", "requests", "responses", "logs", "workers", "idempotency"}) {
        CHECK(db.tableExists(table));
    }
    const auto changes = db.execAndGet("PRAGMA schema_version").getInt();
    REQUIRE(sqlite::migrate(db, "x.db"));
    CHECK(db.execAndGet("PRAGMA schema_version").getInt() == changes);
}

TEST_CASE("migrate: a file of the first schema keeps its rows and gets the later columns") {
    const TempDir folder;
    SQLite::Database db(folder.file("x.db"), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    REQUIRE(sqlite::migrate(db, "x.db"));
    db.exec(
        "DROP INDEX fns_warm; DROP INDEX calls_expiry; DROP INDEX calls_dead;"
        "DROP TABLE idempotency; DROP TABLE schedules"
    );
    for (const auto* column :
         {"fns.format",         "fns.cpus",        "fns.tmpfs_size",      "fns.max_concurrency",
          "fns.min_idle",       "calls.cpus",      "calls.tmpfs_size",    "calls.stats",
          "calls.waiting_for",  "workers.profile", "fns.retry_on",        "fns.retry_base_ms",
          "fns.retry_cap_ms",   "calls.retry_on",  "calls.retry_base_ms", "calls.retry_cap_ms",
          "fns.priority",       "fns.max_age",     "calls.expires_at",    "fns.paused",
          "calls.redriven_from"}) {
        const std::string name(column);
        const auto dot = name.find('.');
        db.exec("ALTER TABLE " + name.substr(0, dot) + " DROP COLUMN " + name.substr(dot + 1));
    }
    db.exec(
        "INSERT INTO fns VALUES('F', 'A', 'f', 'i', 'sync', 128, 30, 30, 3, '{}', '{}', 1, 0, 0);"
        "PRAGMA user_version = 1"
    );
    REQUIRE(sqlite::migrate(db, "x.db"));
    CHECK(db.execAndGet("PRAGMA user_version").getInt() == sqlite::schema_version());
    CHECK(db.execAndGet("SELECT format FROM fns WHERE id = 'F'").getString() == "http-stream");
    CHECK(db.execAndGet("SELECT cpus + tmpfs_size + min_idle FROM fns").getInt() == 0);
    CHECK(db.execAndGet("SELECT retry_on + priority + max_age + paused FROM fns").getInt() == 0);
    CHECK(db.execAndGet("SELECT retry_base_ms FROM fns").getInt() == RetryPolicy{}.base_ms);
}

TEST_CASE("open_datastore: a URL names a folder, a file, or leaves it to the data folder") {
    const TempDir folder;
    const DatastoreOptions options{.data_folder = folder.file("default")};
    const auto makes = [&](const std::string& url, const std::string& file) {
        const auto store = open(url, options);
        REQUIRE(store);
        return std::filesystem::is_regular_file(folder.file(file));
    };
    CHECK(makes("sqlite:", "default/stoker.db"));
    CHECK(makes("sqlite:" + folder.file("a/b"), "a/b/stoker.db"));
    CHECK(makes("sqlite3://" + folder.file("c/fn.db"), "c/fn.db"));
}

TEST_CASE("open_datastore: an unknown scheme is refused without showing the rest of the URL") {
    for (const auto* url : {"mssql://user:secret@host/db", "oracle:x", "nonsense", ""}) {
        const auto refused = open(url);
        CHECK(error_of(refused) == Errc::invalid_request);
        CHECK_FALSE(refused.error().text().contains("secret"));
    }
}

}  // namespace stoker::test
