#pragma once

// One seed, one schedule: processes, their store and queue, clients with their calls, and a nemesis
// that crashes, stalls, cuts and loses. After some virtual minutes everything is healed; then all
// that was accepted has to end. Everything here runs on one thread, in virtual time.

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "tests/simulation/sim_clock.hpp"
#include "tests/simulation/sim_context.hpp"
#include "tests/simulation/sim_process.hpp"

namespace stoker::test {

struct WorldOptions {
    std::uint64_t seed = 0;
    Mutation mutation = Mutation::none;
    bool is_traced = false;
};

class SimWorld {
public:
    explicit SimWorld(const WorldOptions& options);
    SimWorld(const SimWorld&) = delete;
    SimWorld& operator=(const SimWorld&) = delete;

    void run();
    const History& history() const { return history_; }

private:
    struct Place {
        ProcessRoles roles;
        std::unique_ptr<SimProcess> process;  // null while it is down
    };

    void plan_calls();
    void plan_pauses();
    void plan_faults();
    void fault(Millis lasts);
    void fault_of_place(Millis lasts);
    void fault_of_store(Millis lasts);
    void fault_of_queue(Millis lasts);
    void heal();
    /// Until nothing is left to do; false when that takes too long.
    bool run_until_quiet();

    void at(Millis time, std::function<void()> event) { agenda_.emplace(time, std::move(event)); }
    void after(Millis pause, std::function<void()> event) {
        at(VirtualTime::now() + pause, std::move(event));
    }
    void run_until(Millis end);
    void take_turns();
    bool take_round();
    void bury(Place& place);
    void start(Place& place);
    Millis next_event(Millis end);
    bool is_quiet() const;
    SimProcess* any_process(bool ProcessRoles::* role);
    void call_somewhere();
    /// The same request once more, as a client does that has heard nothing.
    void call_again(const FnEntryRef& fn, const CallOptions& options);
    std::uint64_t keys_made_ = 0;

    const WorldOptions options_;
    const VirtualTime time_;
    SimRandom random_;
    History history_;
    SimStore store_;
    SimQueue queue_;
    SimContext context_;
    std::vector<FnEntryRef> fns_;
    std::multimap<Millis, std::function<void()>> agenda_;
    std::vector<Place> places_;
    bool is_healed_ = false;
};

}  // namespace stoker::test
