#pragma once

// One simulated process: an api, a worker, or both with a queue of their own inside. It is built of
// the product's parts in the product's order on a lane of its own, which the world turns. A crash
// is its destruction: what waits on the lane is never heard of again. A stall is a lane not turned.

#include <memory>
#include <optional>
#include <string>

#include "api/acceptor.hpp"
#include "api/outbox.hpp"
#include "api/sweeper.hpp"
#include "common/async/lanes.hpp"
#include "tests/simulation/gate_watch.hpp"
#include "tests/simulation/scripted_executor.hpp"
#include "tests/simulation/sim_clock.hpp"
#include "tests/simulation/sim_store_link.hpp"
#include "worker/claimer.hpp"
#include "worker/worker_lease.hpp"

namespace stoker::test {

struct ProcessRoles {
    bool api = false;
    bool worker = false;
};

class SimProcess final : public SimHost {
public:
    SimProcess(SimContext& context, ProcessRoles roles);
    ~SimProcess() override;
    SimProcess(const SimProcess&) = delete;
    SimProcess& operator=(const SimProcess&) = delete;

    void start();
    /// Stops as on SIGTERM; has_stopped() afterwards.
    void drain();
    /// A client's request.
    void call(FnEntryRef fn, CallOptions options);
    void cancel(std::string call_id);
    /// Of an operator: for so long.
    void pause(std::string fn_id, Millis lasts);

    /// Runs what can be run now. How much that was.
    std::size_t turn();
    Millis idle_time();

    bool has_crashed() const { return has_crashed_; }
    bool has_stopped() const { return has_stopped_; }
    bool is_draining() const { return is_draining_; }
    bool has_calls() const { return worker_ && worker_->live.size() > 0; }
    /// Whether calls wait in memory for the queue that did not when this was asked last.
    bool has_newly_parked();
    void crash() { has_crashed_ = true; }

    // Faults.
    Millis stalled_until{0};
    bool is_cut = false;
    void stall_heartbeats(bool stalled) { store_.heartbeats_fail = stalled; }
    void take_engine_away(bool away);

    // SimHost.
    Executor lane() override { return lanes_.at(0); }
    void crash_point() override;
    bool is_cut_off() const override { return is_cut; }

private:
    struct ApiRole {
        explicit ApiRole(SimProcess& process);
        Outbox outbox;
        DelayedCalls delayed;
        Sweeper sweeper;
        Acceptor acceptor;
    };
    struct WorkerRole {
        explicit WorkerRole(SimProcess& process);
        MemoryTokens memory;
        SlotPool slots;
        ScriptedExecutor executor;
        LiveCalls live;
        CallRunner runner;
        GateWatch gate;
        Claimer claimer;
        WorkerLease lease;
        Gate background;
        bool engine_is_watched = false;
    };

    std::unique_ptr<MessageQueue> make_queue();
    WorkerLease::Hooks lease_hooks();
    SlotPool::Hooks slot_hooks();
    void check_gate();
    Task<> boot();
    Task<> accept(FnEntryRef fn, CallOptions options);
    Task<> ask_cancel(std::string call_id);
    Task<> pause_and_resume(std::string fn_id, Millis lasts);
    Task<> wait_for_engine();
    Task<> stop();
    Task<> stop_worker(Deadline grace);

    SimContext& context_;
    const ProcessRoles roles_;
    Lanes lanes_{1};
    SystemClock clock_;
    IdSource ids_;
    Metrics metrics_;
    std::unique_ptr<CallEvents> events_ = make_local_call_events();
    SimStoreLink store_;
    std::unique_ptr<MessageQueue> queue_;
    std::unique_ptr<ApiRole> api_;
    std::unique_ptr<WorkerRole> worker_;
    bool has_crashed_ = false;
    bool has_stopped_ = false;
    bool is_draining_ = false;
    int grants_ = 0;
    bool had_parked_ = false;
};

}  // namespace stoker::test
