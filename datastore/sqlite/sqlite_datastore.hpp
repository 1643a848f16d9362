#pragma once

// The Datastore in one SQLite file, for one process: it holds a lock on its folder for life. Writes
// share commits (group commit, synchronous=FULL), reads run beside them; bodies too large for a row
// become files. Made by open_datastore(); any lane may call it.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "common/async/blocking_pool.hpp"
#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "datastore/blobs/blob_store.hpp"
#include "datastore/datastore.hpp"
#include "datastore/sqlite/engine.hpp"
#include "datastore/sqlite/spec_cache.hpp"
#include "datastore/sqlite/sqlite_options.hpp"
#include "datastore/sqlite/sqlite_schedules.hpp"

namespace stoker {

class SqliteDatastore final : public Datastore {
public:
    static Result<std::unique_ptr<Datastore>> open(
        SqliteOptions options, const Clock& clock, Metrics& metrics
    );
    ~SqliteDatastore() override { close(); }

    Task<Result<std::vector<App>>> list_apps(AppFilter filter, Page page) override;
    Task<Result<App>> get_app(std::string id) override;
    Task<Result<App>> insert_app(App app) override;
    Task<Result<App>> update_app(std::string id, AppPatch patch) override;
    Task<Result<std::vector<MovedCall>>> delete_app(std::string id) override;

    Task<Result<std::vector<Fn>>> list_fns(FnFilter filter, Page page) override;
    Task<Result<Fn>> get_fn(std::string id) override;
    Task<Result<Fn>> insert_fn(Fn fn) override;
    Task<Result<Fn>> update_fn(std::string id, FnPatch patch) override;
    Task<Result<std::vector<MovedCall>>> delete_fn(std::string id) override;
    Task<Result<Fn>> pause_fn(std::string id) override;
    Task<Result<Fn>> resume_fn(std::string id) override;
    Task<Result<std::vector<MovedCall>>> purge_fn(std::string id) override;
    Task<Result<std::vector<FnSpecRef>>> list_warm_fns() override;

    ScheduleStore& schedules() override { return schedules_; }

    Task<Result<std::string>> accept(NewCall call) override;
    Task<Result<int>> forget_keys(int items_max) override;
    Task<Result<DueStep>> release_due(int items_max) override;
    Task<Result<std::vector<ClaimedCall>>> claim(
        std::string worker_id, std::vector<std::string> call_ids
    ) override;
    Task<Result<bool>> finish(FinishedCall finished) override;
    Task<Result<bool>> retry(FinishedCall attempt, Millis after) override;
    Task<Result<bool>> hand_back(Fence fence, HandBack how) override;
    Task<Result<void>> progress(std::vector<CallProgress> entries) override;
    Task<Result<Call>> cancel(Scope scope, std::string call_id) override;

    Task<Result<Call>> get_call(Scope scope, std::string call_id) override;
    Task<Result<std::vector<Call>>> list_calls(Scope scope, CallFilter filter, Page page) override;
    Task<Result<CallRequest>> get_request(Scope scope, std::string call_id) override;
    Task<Result<CallResponse>> get_response(Scope scope, std::string call_id) override;
    Task<Result<std::vector<LogChunk>>> get_log(
        Scope scope, std::string call_id, std::int64_t from_seq
    ) override;
    Task<Result<std::vector<MovedCall>>> list_queued(std::string after_id, int items_max) override;
    Task<Result<RedispatchStep>> redispatch(
        std::string after_id, int items_max, DeliveredBefore delivered, Millis slack
    ) override;
    Task<Result<std::vector<MovedCall>>> expire(int items_max) override;
    Task<Result<CallCounts>> count_calls() override;

    Task<Result<void>> register_worker(std::string worker_id, std::string host, Millis lease)
        override;
    Task<Result<Heartbeat>> heartbeat(std::string worker_id, Millis lease) override;
    Task<Result<void>> describe_worker(std::string worker_id, WorkerProfile profile) override;
    Task<Result<std::vector<KnownWorker>>> list_workers() override;
    Task<Result<void>> remove_worker(std::string worker_id) override;
    Task<Result<std::vector<MovedCall>>> sweep_lost(Millis grace) override;
    Task<Result<std::vector<MovedCall>>> recover_all() override;

    std::string unhealthy_reason() const override;
    Result<void> admission() const override;
    void close() override;

private:
    struct Loaded {
        std::vector<ClaimedCall> calls;
        std::vector<Fence> broken;  ///< their request cannot be read any more, ever
    };

    SqliteDatastore(std::unique_ptr<sqlite::Engine> engine, const Clock& clock);

    Task<Result<void>> move_to_blob(BodyRef& body, const std::string& call_id);
    Result<void> load_body(BodyRef& body) const;
    Result<Loaded> load(sqlite::Reader& reader, std::vector<Call> calls, const std::string& owner);
    /// Writes the end of an attempt by `write(Writer&, FinishedCall)`, its body before that.
    template <class Write>
    Task<Result<bool>> end_attempt(FinishedCall attempt, Write write);
    Task<> end_broken(std::vector<Fence> fences);
    void drop_blob(const std::string& name);  ///< nothing happens without a name
    void collect_blobs();
    bool takes_calls() const;

    const Clock& clock_;
    const std::string life_;  ///< in the names of the blobs that this process makes
    const BlobStore blobs_;
    sqlite::SpecCache specs_;
    std::atomic<std::uint64_t> blobs_made_{0};
    std::atomic<bool> closed_{false};
    const std::unique_ptr<sqlite::Engine> engine_;
    sqlite::SqliteSchedules schedules_;
    BlockingPool file_pool_;
};

}  // namespace stoker
