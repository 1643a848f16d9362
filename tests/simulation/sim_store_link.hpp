#pragma once

// How one simulated process reaches the store: each statement takes its time and may fail before it
// is run, or after, when nobody knows; the process may end in between. What a claim with a lost
// answer leaves claimed is handed back in the background, as the contract of Datastore says.

#include "tests/simulation/no_schedules.hpp"
#include "tests/simulation/sim_host.hpp"
#include "tests/simulation/sim_store.hpp"

namespace stoker::test {

class SimStoreLink final : public Datastore {
public:
    SimStoreLink(SimStore& store, SimHost& host) : store_(store), host_(host) {}

    /// Only the heartbeats fail: the path that they take is stalled.
    bool heartbeats_fail = false;

    Task<Result<std::string>> accept(NewCall call) override;
    Task<Result<int>> forget_keys(int items_max) override;
    Task<Result<DueStep>> release_due(int items_max) override;
    Task<Result<std::vector<ClaimedCall>>> claim(std::string worker, std::vector<std::string> ids)
        override;
    Task<Result<bool>> finish(FinishedCall finished) override;
    Task<Result<bool>> retry(FinishedCall attempt, Millis after) override;
    Task<Result<bool>> hand_back(Fence fence, HandBack how) override;
    Task<Result<Call>> cancel(Scope scope, std::string call_id) override;
    Task<Result<std::vector<MovedCall>>> list_queued(std::string after, int items_max) override;
    Task<Result<RedispatchStep>> redispatch(
        std::string after, int items_max, DeliveredBefore delivered, Millis slack
    ) override;
    Task<Result<std::vector<MovedCall>>> expire(int items_max) override;
    Task<Result<Fn>> pause_fn(std::string id) override;
    Task<Result<Fn>> resume_fn(std::string id) override;
    Task<Result<CallCounts>> count_calls() override;
    Task<Result<void>> register_worker(std::string worker, std::string host, Millis lease) override;
    Task<Result<Heartbeat>> heartbeat(std::string worker, Millis lease) override;
    Task<Result<void>> remove_worker(std::string worker) override;
    Task<Result<std::vector<MovedCall>>> sweep_lost(Millis grace) override;
    Task<Result<std::vector<MovedCall>>> recover_all() override;
    std::string unhealthy_reason() const override { return {}; }
    void close() override {}
    ScheduleStore& schedules() override { return no_schedules_; }

    // What no simulated part asks for.
    Task<Result<std::vector<App>>> list_apps(AppFilter, Page) override {
        return none<std::vector<App>>();
    }
    Task<Result<App>> get_app(std::string) override { return none<App>(); }
    Task<Result<App>> insert_app(App) override { return none<App>(); }
    Task<Result<App>> update_app(std::string, AppPatch) override { return none<App>(); }
    Task<Result<std::vector<FnSpecRef>>> list_warm_fns() override {
        return none<std::vector<FnSpecRef>>();
    }
    Task<Result<std::vector<MovedCall>>> delete_app(std::string) override {
        return none<std::vector<MovedCall>>();
    }
    Task<Result<std::vector<Fn>>> list_fns(FnFilter, Page) override {
        return none<std::vector<Fn>>();
    }
    Task<Result<Fn>> get_fn(std::string) override { return none<Fn>(); }
    Task<Result<Fn>> insert_fn(Fn) override { return none<Fn>(); }
    Task<Result<Fn>> update_fn(std::string, FnPatch) override { return none<Fn>(); }
    Task<Result<std::vector<MovedCall>>> delete_fn(std::string) override {
        return none<std::vector<MovedCall>>();
    }
    Task<Result<void>> describe_worker(std::string, WorkerProfile) override { return none<void>(); }
    Task<Result<std::vector<KnownWorker>>> list_workers() override {
        return none<std::vector<KnownWorker>>();
    }
    Task<Result<void>> progress(std::vector<CallProgress>) override { return none<void>(); }
    Task<Result<Call>> get_call(Scope, std::string) override { return none<Call>(); }
    Task<Result<std::vector<Call>>> list_calls(Scope, CallFilter, Page) override {
        return none<std::vector<Call>>();
    }
    Task<Result<std::vector<MovedCall>>> purge_fn(std::string) override {
        return none<std::vector<MovedCall>>();
    }
    Task<Result<CallRequest>> get_request(Scope, std::string) override {
        return none<CallRequest>();
    }
    Task<Result<CallResponse>> get_response(Scope, std::string) override {
        return none<CallResponse>();
    }
    Task<Result<std::vector<LogChunk>>> get_log(Scope, std::string, std::int64_t) override {
        return none<std::vector<LogChunk>>();
    }

private:
    template <class T>
    static Task<Result<T>> none() {
        co_return fail(Errc::internal);
    }
    template <class Apply>
    Task<std::invoke_result_t<Apply&>> statement(Apply apply);
    bool is_reachable() const { return !store_.faults.is_down && !host_.is_cut_off(); }
    Millis latency();
    Task<> wait_in_vain();
    Task<> insert_later(NewCall call);
    Task<> hand_back_until_done(std::vector<Fence> orphans);

    NoSchedules no_schedules_;
    SimStore& store_;
    SimHost& host_;
};

}  // namespace stoker::test
