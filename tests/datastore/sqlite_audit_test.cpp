#include <doctest/doctest.h>
#include <SQLiteCpp/Database.h>

#include "tests/datastore/audit_cases.hpp"
#include "tests/datastore/sqlite_backend.hpp"

namespace stoker::test {

namespace {

struct DamagedSqlite : SqliteBackend {
    std::string url() const { return "sqlite:" + folder.file("data"); }
    static std::string_view table_prefix() { return ""; }
    void damage(const std::string& sql) const {
        SQLite::Database db(folder.file("data/stoker.db"), SQLite::OPEN_READWRITE, 5'000);
        db.exec(sql);
    }
};

}  // namespace

TEST_CASE("audit: what SQLite has stored is sound beside its server, and adds up") {
    check_sound_audit<DamagedSqlite>();
}

TEST_CASE("audit: each kind of damage in SQLite is found and named") {
    check_damage_is_found<DamagedSqlite>();
}

TEST_CASE("audit: what cannot be read is said") {
    const TempDir folder;
    const auto audit = [](const std::string& url) { return audit_datastore(url, {}, from_ms(0)); };
    CHECK(error_of(audit("sqlite:" + folder.file("none"))) == Errc::store_unavailable);
    CHECK(error_of(audit("nonsense")) == Errc::invalid_request);
    folder.write("notes.db", std::string(10'000, 'x'));
    CHECK(audit("sqlite:" + folder.file("notes.db")).error().text().contains("notes.db"));
}

}  // namespace stoker::test
