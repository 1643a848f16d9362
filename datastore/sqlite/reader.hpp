#pragma once

// Read-only connections for the threads of the read pool: one is taken for the length of one piece
// of work. A commit that returned is seen by every read that starts after it. Private to
// datastore/sqlite; thread-safe.

#include <SQLiteCpp/Database.h>

#include <memory>
#include <mutex>
#include <vector>

#include "common/async/task.hpp"
#include "datastore/sqlite/call_reads.hpp"
#include "datastore/sqlite/catalog_reads.hpp"
#include "datastore/sqlite/schedule_sql.hpp"
#include "datastore/sqlite/sqlite_options.hpp"

namespace stoker::sqlite {

class Reader {
public:
    explicit Reader(const SqliteOptions& options);

    CatalogReads& catalog() { return catalog_; }
    CallReads& calls() { return calls_; }
    ScheduleReads& schedules() { return schedules_; }

    /// Statements that run past it end with an error, so that no list can hold a thread for long.
    void set_deadline(Deadline deadline) { deadline_ = deadline; }

private:
    SQLite::Database db_;
    CatalogReads catalog_;
    CallReads calls_;
    ScheduleReads schedules_;
    Deadline deadline_{};
};

class ReaderPool {
public:
    /// Opens one for each thread that reads at once: later there may be no descriptors left for it.
    explicit ReaderPool(const SqliteOptions& options) : options_(options) {
        while (free_.size() < options.read_threads) {
            free_.push_back(std::make_unique<Reader>(options));
        }
    }

    class Lease {
    public:
        Lease(ReaderPool& pool, std::unique_ptr<Reader> reader) :
            pool_(pool),
            reader_(std::move(reader)) {}
        ~Lease() { pool_.put(std::move(reader_)); }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        Reader& operator*() { return *reader_; }

    private:
        ReaderPool& pool_;
        std::unique_ptr<Reader> reader_;
    };

    /// Opens a connection when none is free: there are never more than threads that read, and the
    /// one that collects blobs.
    Lease take(Deadline deadline);

private:
    void put(std::unique_ptr<Reader> reader);

    const SqliteOptions& options_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Reader>> free_;
};

}  // namespace stoker::sqlite
