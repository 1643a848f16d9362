#include "tests/system/stored.hpp"

#include <doctest/doctest.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <csignal>
#include <set>

namespace stoker::test {

namespace fs = std::filesystem;

Stored read_stored(const fs::path& data_folder) {
    // Writable: what a kill left in the WAL is recovered by whoever opens the file next.
    SQLite::Database db((data_folder / "stoker.db").string(), SQLite::OPEN_READWRITE);
    Stored stored;
    stored.integrity = db.execAndGet("PRAGMA integrity_check").getString();
    SQLite::Statement calls(db, "SELECT id, status FROM calls");
    while (calls.executeStep()) stored.status[calls.getColumn(0)] = calls.getColumn(1).getString();
    SQLite::Statement responses(db, "SELECT call_id, count(*) FROM responses GROUP BY call_id");
    while (responses.executeStep()) {
        stored.responses[responses.getColumn(0)] = responses.getColumn(1);
    }

    std::set<std::string> named;
    SQLite::Statement blobs(
        db,
        "SELECT blob_ref FROM requests WHERE blob_ref <> ''"
        " UNION SELECT blob_ref FROM responses WHERE blob_ref <> ''"
    );
    while (blobs.executeStep()) named.insert(blobs.getColumn(0));
    std::set<std::string> files;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(data_folder / "blobs", none)) {
        files.insert(entry.path().filename());
    }
    for (const auto& name : named) stored.blobs_missing += files.contains(name) ? 0 : 1;
    for (const auto& name : files) stored.files_unnamed += named.contains(name) ? 0 : 1;
    return stored;
}

void check_all_ended_well(StokerProcess& stoker, const std::vector<std::string>& accepted) {
    for (const auto& id : accepted) CHECK(stoker.ended(id).at("status") == "success");
    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 0);
    const auto stored = read_stored(stoker.data_folder());
    CHECK(stored.integrity == "ok");
    CHECK(stored.blobs_missing == 0);
    CHECK(stored.files_unnamed == 0);
}

}  // namespace stoker::test
