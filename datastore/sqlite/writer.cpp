#include "datastore/sqlite/writer.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <SQLiteCpp/Exception.h>

#include <iterator>
#include <utility>

#include "common/log.hpp"
#include "datastore/broken_disk.hpp"
#include "datastore/sqlite/call_reads.hpp"
#include "datastore/sqlite/query.hpp"

namespace stoker::sqlite {

namespace {

/// Between batches of one long burst the WAL may grow to this many times its usual bound.
constexpr int burst_factor = 4;

int note_wal_pages(void* pages, sqlite3*, const char*, int count) {
    *static_cast<int*>(pages) = count;
    return SQLITE_OK;
}

error_code no_space() { return make_error_code(boost::system::errc::no_space_on_device); }

error_code not_committed() { return make_error_code(boost::system::errc::io_error); }

[[noreturn]] void end_process(int sqlite_code, const char* message) {
    end_broken(fmt::format("SQLite, code {}", sqlite_code), message);
}

}  // namespace

Writer::Writer(
    SQLite::Database db,
    const SqliteOptions& options,
    DiskSpace& space,
    const Clock& clock,
    Metrics& metrics
) :
    options_(options),
    space_(space),
    clock_(clock),
    commits_(metrics.counter("stoker_store_commits_total", "Transactions committed by the store")),
    committed_jobs_(metrics.counter("stoker_store_jobs_total", "Writes those commits carried")),
    commit_seconds_(
        metrics.histogram("stoker_store_commit_seconds", "Time of COMMIT, with its sync")
    ),
    db_(std::move(db)),
    begin_(db_, "BEGIN IMMEDIATE"),
    commit_(db_, "COMMIT"),
    rollback_(db_, "ROLLBACK"),
    catalog_(db_),
    calls_(db_, count_change_),
    sweeps_(db_, count_change_),
    schedules_(db_),
    counter_(metrics) {
    sqlite3_wal_hook(db_.getHandle(), note_wal_pages, &wal_pages_);
    counter_.open_with(CallReads(db_).count_calls());
    // What an earlier life left in the WAL; on a full disk the first writes then have its room.
    checkpoint();
}

void Writer::begin() {
    deliveries_.flush();
    if (wal_pages_ > burst_factor * options_.checkpoint_pages) checkpoint();
    failed_ = {};
    jobs_ = 0;
    count_change_ = {};
    touches_catalog_ = false;
    const int code = begin_.tryExecuteStep();
    begin_.tryReset();
    if (code != SQLITE_DONE) {
        fail_batch(code, db_.getErrorMsg());
        return;
    }
    if (has_orphans_.load(std::memory_order_acquire)) hand_back_orphans();
}

error_code Writer::commit() {
    if (!failed_) {
        const auto started = std::chrono::steady_clock::now();
        const int code = commit_.tryExecuteStep();
        commit_.tryReset();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
        commit_seconds_.observe(took.count());
        if (code != SQLITE_DONE) fail_batch(code, db_.getErrorMsg());
    }
    if (failed_) {
        rollback();
        return failed_;
    }
    orphans_in_batch_.clear();
    counter_.apply(count_change_);
    if (touches_catalog_) catalog_version_.fetch_add(1);
    commits_.add();
    committed_jobs_.add(jobs_);
    return {};
}

void Writer::idle() {
    deliveries_.flush();
    if (wal_pages_ > options_.checkpoint_pages) checkpoint();
}

int Writer::changes() const { return sqlite3_total_changes(db_.getHandle()); }

Error Writer::failure(const std::exception& e, int changes_before) {
    const auto* failure = dynamic_cast<const SQLite::Exception*>(&e);
    const int code = failure ? failure->getExtendedErrorCode() : SQLITE_ERROR;
    const bool batch_stands = sqlite3_get_autocommit(db_.getHandle()) == 0;
    if (meaning_of(code) != Failure::transient || !batch_stands || changes() != changes_before) {
        fail_batch(code, e.what());
        return {.code = Errc::store_unavailable, .message = {}, .detail = e.what()};
    }
    log::error("store.job_failed", {{"sqlite_code", code}, {"message", e.what()}});
    return {.code = Errc::internal, .message = {}, .detail = e.what()};
}

void Writer::fail_batch(int sqlite_code, const char* message) {
    switch (meaning_of(sqlite_code)) {
        case Failure::fatal: end_process(sqlite_code, message);
        case Failure::full:
            failed_ = no_space();
            space_.ran_out(message);
            break;
        case Failure::transient:
            failed_ = not_committed();
            log::error("store.batch_failed", {{"sqlite_code", sqlite_code}, {"message", message}});
            break;
    }
}

Failure Writer::meaning_of(int sqlite_code) const {
    return failure_of(sqlite_code, sqlite3_system_errno(db_.getHandle()));
}

void Writer::rollback() {
    // Some errors have rolled back already; a second ROLLBACK would itself be an error.
    if (sqlite3_get_autocommit(db_.getHandle()) == 0) {
        const int code = rollback_.tryExecuteStep();
        rollback_.tryReset();
        if (code != SQLITE_DONE) end_process(code, db_.getErrorMsg());
    }
    if (!orphans_in_batch_.empty()) hand_back_soon(std::exchange(orphans_in_batch_, {}));
}

void Writer::hand_back_soon(std::vector<Fence> fences) {
    const std::scoped_lock lock(orphans_mutex_);
    std::ranges::move(fences, std::back_inserter(orphans_));
    has_orphans_.store(true, std::memory_order_release);
}

void Writer::hand_back_orphans() {
    {
        const std::scoped_lock lock(orphans_mutex_);
        orphans_in_batch_ = std::exchange(orphans_, {});
        has_orphans_.store(false, std::memory_order_relaxed);
    }
    auto hand_back_all = [this](Writer&) -> Result<void> {
        for (const auto& fence : orphans_in_batch_) {
            calls_.hand_back(fence, HandBack::uncounted, now());
        }
        return {};
    };
    // A failure is that of the batch, and rollback() keeps the orphans for the next one.
    if (!attempt(hand_back_all) && !failed_) fail_batch(SQLITE_ERROR, "cannot hand back a claim");
}

void Writer::checkpoint() {
    // PASSIVE waits for nobody; frames a reader still needs are left for the next time.
    const int code = sqlite3_wal_checkpoint_v2(
        db_.getHandle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr
    );
    wal_pages_ = 0;
    switch (code == SQLITE_OK ? Failure::transient : meaning_of(code)) {
        case Failure::fatal:
            end_process(sqlite3_extended_errcode(db_.getHandle()), db_.getErrorMsg());
        case Failure::full: space_.ran_out("checkpoint"); break;
        case Failure::transient: break;
    }
}

}  // namespace stoker::sqlite
