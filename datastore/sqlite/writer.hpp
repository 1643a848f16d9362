#pragma once

// The one connection that writes: the Batcher's Backend. A batch is one transaction; a commit that
// returned is on disk. Private to datastore/sqlite. Everything runs on the batcher's thread, but
// for what says "any thread".
//
// When something goes wrong:
//   a job's own error before it changed a row   fails that job alone
//   no space, or an error after a change        fails the whole batch, which is rolled back
//   an I/O error or corruption                  ends the process: what a failed fsync left on disk
//                                               is unknown, only recovery at the next start can
//                                               tell

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <vector>

#include "common/async/task.hpp"
#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "datastore/datastore.hpp"
#include "datastore/deliveries.hpp"
#include "datastore/disk_space.hpp"
#include "datastore/sqlite/call_counter.hpp"
#include "datastore/sqlite/call_sweeps.hpp"
#include "datastore/sqlite/call_writes.hpp"
#include "datastore/sqlite/catalog_writes.hpp"
#include "datastore/sqlite/connection.hpp"
#include "datastore/sqlite/schedule_sql.hpp"
#include "datastore/sqlite/sqlite_options.hpp"

namespace stoker::sqlite {

class Writer {
public:
    Writer(
        SQLite::Database db,
        const SqliteOptions& options,
        DiskSpace& space,
        const Clock& clock,
        Metrics& metrics
    );

    // The Batcher's Backend.
    void begin();
    error_code commit();
    void idle();

    /// Runs a job's work, which returns a Result, inside the open batch.
    template <class Work>
    auto attempt(Work& work) -> decltype(work(*this)) {
        if (failed_) return fail(Errc::store_unavailable);
        const auto changes_before = changes();
        try {
            ++jobs_;
            return work(*this);
        } catch (const std::exception& e) {
            return fail(failure(e, changes_before));
        }
    }

    /// Flushed after each batch.
    Deliveries& deliveries() { return deliveries_; }
    WallTime now() const { return clock_.now(); }
    /// For leases: the wall clock as it was at open, moved on by monotonic time. Whoever sets the
    /// clock neither kills workers nor keeps dead ones. No lease outlives the process: the next one
    /// declares them all dead.
    WallTime lease_now() const {
        return opened_at_ + std::chrono::duration_cast<Millis>(clock_.monotonic() - opened_);
    }
    CatalogWrites& catalog() { return catalog_; }
    CallWrites& calls() { return calls_; }
    CallSweeps& sweeps() { return sweeps_; }
    ScheduleWrites& schedules() { return schedules_; }
    /// This batch changes an app or fn: specs made from them are stale once it is committed.
    void touch_catalog() { touches_catalog_ = true; }

    /// Any thread. Claims that nobody will run: handed back with the next batch.
    void hand_back_soon(std::vector<Fence> fences);
    /// Any thread.
    CallCounts counts() const { return counter_.now(); }
    /// Any thread. Moves when a committed batch touched the catalog.
    std::uint64_t catalog_version() const { return catalog_version_.load(); }

private:
    int changes() const;
    Error failure(const std::exception& e, int changes_before);
    void fail_batch(int sqlite_code, const char* message);
    void rollback();
    void hand_back_orphans();
    void checkpoint();
    Failure meaning_of(int sqlite_code) const;

    const SqliteOptions& options_;
    DiskSpace& space_;
    const Clock& clock_;
    const WallTime opened_at_ = clock_.now();
    const Deadline opened_ = clock_.monotonic();
    Counter& commits_;
    Counter& committed_jobs_;
    Histogram& commit_seconds_;

    SQLite::Database db_;
    SQLite::Statement begin_;
    SQLite::Statement commit_;
    SQLite::Statement rollback_;
    CountChange count_change_;
    CatalogWrites catalog_;
    CallWrites calls_;
    CallSweeps sweeps_;
    ScheduleWrites schedules_;

    error_code failed_;  // of the open batch
    std::uint64_t jobs_ = 0;
    bool touches_catalog_ = false;
    int wal_pages_ = 0;
    std::vector<Fence> orphans_in_batch_;
    Deliveries deliveries_;

    CallCounter counter_;
    std::atomic<std::uint64_t> catalog_version_{1};
    std::atomic<bool> has_orphans_{false};
    std::mutex orphans_mutex_;
    std::vector<Fence> orphans_;
};

}  // namespace stoker::sqlite
