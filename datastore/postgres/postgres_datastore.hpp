#pragma once

// The Datastore in a PostgreSQL database, shared by any number of api and worker processes. Accepts
// and ends share transactions (group commit); everything else is a job of its own. All bodies live
// in the database, large ones in pieces. Made by open_datastore(); any lane may call it.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "datastore/datastore.hpp"
#include "datastore/postgres/accept_sql.hpp"
#include "datastore/postgres/call_sql.hpp"
#include "datastore/postgres/catalog_sql.hpp"
#include "datastore/postgres/coalescer.hpp"
#include "datastore/postgres/finish_sql.hpp"
#include "datastore/postgres/lost_claims.hpp"
#include "datastore/postgres/pool.hpp"
#include "datastore/postgres/postgres_options.hpp"
#include "datastore/postgres/postgres_schedules.hpp"
#include "datastore/postgres/schedule_sql.hpp"
#include "datastore/postgres/spec_cache.hpp"
#include "datastore/postgres/sweep_sql.hpp"
#include "datastore/postgres/worker_beats.hpp"

namespace stoker {

class PostgresDatastore final : public Datastore {
public:
    /// Looks at the server and makes or moves on the schema; blocks.
    static Result<std::unique_ptr<Datastore>> open(
        PostgresOptions options, const Clock& clock, Metrics& metrics
    );
    ~PostgresDatastore() override { close(); }

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
    void close() override;

private:
    PostgresDatastore(
        PostgresOptions options, postgres::Target target, const Clock& clock, Metrics& metrics
    );

    Task<Result<std::string>> accept_large(postgres::AcceptedCall accepted);
    Task<Result<bool>> end_attempt(postgres::EndedCall ended);
    Task<Result<bool>> finish_large(postgres::EndedCall ended);
    Task<Result<Fn>> set_paused(std::string id, bool paused);
    Task<Result<std::vector<ClaimedCall>>> load(
        std::vector<postgres::ClaimedRow> rows, std::string worker_id
    );
    Task<Result<FnSpecRef>> find_spec(const postgres::ClaimedRow& row);
    Task<> end_broken(Fence fence);
    std::string name_blob(BodyRef& body, const std::string& call_id);
    Task<Result<void>> load_body(BodyRef& body);
    Task<Result<std::vector<MovedCall>>> move_lost();

    const PostgresOptions options_;
    const Clock& clock_;
    const std::string life_;  ///< in the names of claims and blobs that this process makes
    std::atomic<std::uint64_t> names_made_{0};
    const postgres::CatalogSql catalog_;
    const postgres::CallSql calls_;
    const postgres::SweepSql sweeps_;
    const postgres::AcceptSql accept_;
    const postgres::FinishSql finish_;
    const postgres::ScheduleSql schedule_sql_;
    postgres::SpecCache specs_;
    postgres::WorkerBeats beats_;
    postgres::Pool pool_;
    postgres::Coalescer<postgres::AcceptSql> accepts_;
    postgres::Coalescer<postgres::FinishSql> finishes_;
    postgres::LostClaims lost_claims_;
    postgres::PostgresSchedules schedules_;
};

}  // namespace stoker
