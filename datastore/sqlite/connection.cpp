#include "datastore/sqlite/connection.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <system_error>

namespace stoker::sqlite {

namespace {

constexpr int busy_timeout_ms = 5000;
constexpr std::int64_t wal_bytes_max = 64 << 20;

/// SQLite's malloc counters take a global lock at each allocation, and nobody reads them.
void drop_memory_statistics() {
    static std::once_flag once;
    std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

/// SQLite gives the WAL and its index the mode of the main file.
void create_private_file(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), file.string());
    ::close(fd);
}

}  // namespace

Failure failure_of(int sqlite_code, int system_errno) {
    // SQLite knows ENOSPC of a write only. A quota is the same to us, and so is no room for the
    // WAL's index, which is no data. A failed sync is neither: whatever its reason, data is lost.
    const bool no_room = system_errno == ENOSPC || system_errno == EDQUOT;
    if (no_room && sqlite_code == SQLITE_IOERR_WRITE) return Failure::full;
    if (sqlite_code == SQLITE_IOERR_SHMSIZE) return Failure::full;
    switch (sqlite_code & 0xff) {
        case SQLITE_FULL: return Failure::full;
        case SQLITE_IOERR:
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PROTOCOL: return Failure::fatal;
        default: return Failure::transient;
    }
}

std::filesystem::path file_of(const SqliteOptions& options) {
    return options.folder / options.file;
}

SQLite::Database open_writer(const SqliteOptions& options) {
    drop_memory_statistics();
    const auto file = file_of(options);
    create_private_file(file);
    SQLite::Database db(
        file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_NOMUTEX, busy_timeout_ms
    );
    db.exec("PRAGMA journal_mode = WAL");
    db.exec(
        options.survives_power_cut ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"
    );
    db.exec(fmt::format("PRAGMA journal_size_limit = {}", wal_bytes_max));
    db.exec("PRAGMA wal_autocheckpoint = 0");  // the writer does it between batches
    db.exec("PRAGMA secure_delete = OFF");  // on in some builds: zeroes what is about to be reused
    db.exec("PRAGMA temp_store = MEMORY");
    db.exec("PRAGMA cache_size = -32000");
    if (options.file_pages_max > 0) {
        db.execAndGet(fmt::format("PRAGMA max_page_count = {}", options.file_pages_max));
    }
    return db;
}

SQLite::Database open_reader(const SqliteOptions& options) {
    SQLite::Database db(
        file_of(options).string(), SQLite::OPEN_READONLY | SQLite::OPEN_NOMUTEX, busy_timeout_ms
    );
    db.exec("PRAGMA temp_store = MEMORY");
    db.exec("PRAGMA cache_size = -8000");
    return db;
}

}  // namespace stoker::sqlite
