// The plans of all prepared statements: a lookup that silently became a scan would only show with a
// million calls.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include "common/metrics.hpp"
#include "datastore/sqlite/connection.hpp"
#include "datastore/sqlite/migrations.hpp"
#include "datastore/sqlite/reader.hpp"
#include "datastore/sqlite/writer.hpp"
#include "tests/support/temp_dir.hpp"

namespace stoker::test {
namespace {

using Plan = std::vector<std::string>;

/// SQL and plan of every statement prepared on the connection.
std::vector<std::pair<std::string, Plan>> plans_of(SQLite::Database& db) {
    std::vector<std::string> statements;
    sqlite3_stmt* statement = nullptr;
    while ((statement = sqlite3_next_stmt(db.getHandle(), statement)) != nullptr) {
        statements.emplace_back(sqlite3_sql(statement));
    }
    std::vector<std::pair<std::string, Plan>> plans;
    for (const auto& sql : statements) {
        SQLite::Statement explain(db, "EXPLAIN QUERY PLAN " + sql);
        Plan plan;
        while (explain.executeStep()) plan.push_back(explain.getColumn(3).getString());
        plans.emplace_back(sql, plan);
    }
    return plans;
}

struct Connections {
    TempDir folder;
    SqliteOptions options{.folder = folder.path()};
    SQLite::Database db = open_migrated(options);
    SystemClock clock;
    Metrics metrics;
    sqlite::CountChange changes;

    static SQLite::Database open_migrated(const SqliteOptions& options) {
        auto db = sqlite::open_writer(options);
        REQUIRE(sqlite::migrate(db, "stoker.db"));
        return db;
    }
};

}  // namespace

TEST_CASE("SQL: no statement walks a table of calls, requests, responses or logs") {
    Connections t;
    sqlite::CatalogWrites catalog(t.db);
    sqlite::CallWrites calls(t.db, t.changes);
    sqlite::CallSweeps sweeps(t.db, t.changes);
    sqlite::CallReads reads(t.db);
    const auto plans = plans_of(t.db);
    CHECK(plans.size() > 30);
    for (const auto& [sql, plan] : plans) {
        for (const auto& step : plan) {
            CAPTURE(sql);
            CAPTURE(step);
            const bool walks = step.starts_with("SCAN calls") ||
                               step.starts_with("SCAN requests") ||
                               step.starts_with("SCAN responses") || step.starts_with("SCAN logs");
            // Over a partial index a scan visits what waits or runs, not what ever was.
            const bool partial = step.contains("INDEX calls_queued") ||
                                 step.contains("INDEX calls_owner") ||
                                 step.contains("INDEX calls_due");
            CHECK((!walks || partial));
        }
    }
}

TEST_CASE("SQL: the steps of a call look it up by its id") {
    Connections t;
    sqlite::CallWrites calls(t.db, t.changes);
    const auto plans = plans_of(t.db);
    const std::string by_id = "SEARCH calls USING PRIMARY KEY (id=?)";
    for (const auto& [sql, plan] : plans) {
        if (!sql.starts_with("UPDATE calls")) continue;
        CAPTURE(sql);
        CHECK(plan.front() == by_id);
    }
}

TEST_CASE("SQL: lists use the index they were given") {
    Connections t;
    sqlite::CallSweeps sweeps(t.db, t.changes);
    sqlite::CallReads reads(t.db);
    const auto plans = plans_of(t.db);
    std::size_t lists = 0;
    for (const auto& [sql, plan] : plans) {
        CAPTURE(sql);
        if (sql.contains("fn_id = ?1 AND id < ?2")) {
            CHECK(plan == Plan{"SEARCH calls USING INDEX calls_list (fn_id=? AND id<?)"});
            ++lists;
        }
        if (sql.contains("ORDER BY id LIMIT ?2")) {
            CHECK(plan == Plan{"SEARCH calls USING INDEX calls_queued (id>?)"});
            ++lists;
        }
        if (sql.contains("AND owner = ?1 AND cancel_requested")) {
            CHECK(plan.front().contains("INDEX calls_owner (owner=?)"));
            ++lists;
        }
    }
    CHECK(lists == 4);
}

}  // namespace stoker::test
