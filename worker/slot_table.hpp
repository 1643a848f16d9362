#pragma once

// The decisions behind the slot pool: which container a call gets, when another is worth starting,
// which one must go to make room, whose turn it is on a full machine. Takes events with their time
// and leaves actions; no clock, no lock, no I/O. SlotPool guards it by its mutex and does what it
// says.
//
// Invariants:
//  1. Containers starting for callers of a key never exceed those callers when a start begins.
//  2. A container holds its memory token from before its start until it was removed.
//  3. A freed slot goes to exactly one caller, the one of its key that waits longest; else it
//  idles.
//  4. A container whose last call did not end cleanly is never given out again, and one that serves
//     a single call (format default) is never idle.
//  5. Of one function no more containers are in use than its max_concurrency.
//  6. A key that has nobody waiting, no container, nothing to keep warm and none that died young of
//     late leaves no trace.
//  7. A container is frozen only while it is idle; whoever is given one that is not awake thaws it.

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/error.hpp"
#include "worker/idle_containers.hpp"
#include "worker/launch_policy.hpp"
#include "worker/memory.hpp"
#include "worker/slot_key.hpp"

namespace stoker {

class SlotTable {
public:
    using Time = SlotKey::Time;

    struct Handover {
        SlotWaiterRef waiter;
        Result<ContainerRef> answer;
    };
    struct Launch {
        SlotKey* key;
        FnSpecRef fn;
        MemoryTokens::Token memory;
    };
    struct LaunchEnd {
        Result<ContainerRef> result;
        Time begun;                     ///< without the pull, if there was one
        bool was_pulling;               ///< it failed between pull_began() and pull_ended()
        ContainerRef leaves = nullptr;  ///< of a failed one, to be removed
    };
    struct Actions {
        std::vector<Handover> handovers;
        std::vector<Launch> launches;
        std::vector<ContainerRef> removals;
        std::vector<ContainerRef> freezes;
        Time tick_by = Time::max();  ///< never later than the next thing to do
    };

    /// Containers that have been idle for `freeze_after` are frozen; 0: never.
    SlotTable(MemoryTokens& memory, LaunchPolicy policy, Millis freeze_after) :
        memory_(memory),
        policy_(policy),
        idle_(freeze_after) {}

    // What happens.

    /// An idle container for a caller who need not wait; null: there is none, so want().
    ContainerRef take_idle(const FnSpecRef& fn);
    /// Puts a caller in line; its answer will be a Handover.
    void want(const SlotWaiterRef& waiter, Time now);
    /// False: it has been answered already.
    bool give_up(const SlotWaiterRef& waiter, Time now);
    void gave_back(const ContainerRef& container, Time since, bool reusable, Time now);
    void launched(SlotKey* key, LaunchEnd end, Time now);
    void removed(const ContainerRef& container, Time now);
    /// A launch found its image absent and pulls it, or is done with that. A pull is slow and no
    /// work for this machine: it does not take a start's place, and no other launch joins it.
    void pull_began(SlotKey* key, Time now);
    void pull_ended(SlotKey* key, Time now);
    /// A freeze has ended; a container that would not freeze is of no use any more.
    void froze(const ContainerRef& container, bool frozen, Time now);
    /// The engine was away, which thaws what was frozen: freezing begins anew.
    void engine_came_back(Time now);
    /// Its process ended.
    void exited(const ContainerRef& container, Time now);
    /// Keeps min_idle containers of it alive from now on; another revision takes its place.
    void keep_warm(const FnSpecRef& fn, Time now);
    void forget_warm(const std::string& fn_id, Time now);
    void tick(Time now);
    /// Callers hear shutting_down, idle containers go, others when they are given back.
    void close();

    Actions take_actions() { return std::exchange(actions_, {}); }
    Time next_tick() const;

    // What there is.

    bool is_closing() const { return closing_; }
    /// Closed, and nothing is in use or starting any more.
    bool is_all_back() const { return closing_ && starting_ == 0 && busy_.empty(); }
    std::size_t starting() const { return starting_; }
    std::size_t idle() const { return idle_.size(); }
    std::size_t frozen() const { return idle_.frozen(); }
    std::size_t busy() const { return busy_.size(); }
    const std::list<ContainerRef>& in_use() const { return busy_; }
    std::size_t waiting() const { return waiting_; }
    /// Claimed calls of them that wait for max_concurrency, for a pull, or for a function that does
    /// not come up.
    std::size_t waiting_held_up() const { return waiting_held_up_; }
    std::size_t keys() const { return keys_.size(); }
    std::int64_t idle_mb() const { return idle_.mb(); }
    /// Of containers in use or starting.
    std::int64_t milli_cpus() const { return milli_cpus_; }
    /// Functions that min_idle containers are kept of.
    std::vector<std::string> warm_fns() const;
    CallPhase phase_of(const std::string& slot_key) const;
    /// What keeps those who wait for this key from a container, for people; empty: nothing that is
    /// known, or a container is coming.
    std::string reason_of(const std::string& slot_key) const;
    /// For how long others would keep a call of it, if it came now, from its container: 0 when one
    /// is idle or can be started, infinity when that cannot be told.
    double wait_s(const FnSpec& fn) const;
    /// Between two launches of the key, because its containers keep dying young; zero: none.
    Millis launch_pause(const std::string& slot_key) const;
    /// Of how many calls of the function at once any more would only wait; empty: not known.
    std::optional<std::size_t> use_bound(const std::string& fn_id) const;

private:
    // slot_table.cpp: callers and containers.
    SlotKey& key_of(const FnSpecRef& fn);
    static bool is_unused(const SlotKey& key);
    void note_unused(SlotKey& key);
    void forget_unused();
    void leave_line(SlotWaiter& waiter);
    void answer_first(SlotKey& key, Result<ContainerRef> with);
    void answer(SlotWaiterRef waiter, Result<ContainerRef> with);
    void take(const ContainerRef& container);
    void hand_over(SlotKey& key, const ContainerRef& container);
    void offer(const ContainerRef& container, Time now);
    void leave(const ContainerRef& container);
    void retire(const ContainerRef& container);
    void settle(SlotKey& key, Time now);
    void settle_limited(SlotFn& fn, Time now);
    void hold(SlotKey& key);
    void note_active(SlotKey& key);
    void note_held_up(SlotKey& key, bool is_held_up);
    void count_held_up(SlotWaiter& waiter, bool is_held_up);
    static std::int64_t milli_cpus_of(const SlotKey& key) {
        return static_cast<std::int64_t>(key.fn->milli_cpus);
    }

    // slot_table_idle.cpp: containers without a call.
    void rest(const ContainerRef& container, Time now);
    void look_after_idle(Time now);
    bool can_freeze() const;
    bool is_kept_warm(const SlotKey& key) const;
    void note_warm(SlotKey& key);
    void warm_up(Time now);
    void warm_failed(SlotKey& key, Time now);

    // slot_table_launch.cpp: launches and memory.
    Demand demand_of(const SlotKey& key) const;
    std::optional<Time> launch_due(const SlotKey& key) const;
    bool waits_for_pull(const SlotKey& key) const { return pulls_.contains(key.fn->image); }
    void leave_pull(const std::string& image, Time now);
    void launch_failed(SlotKey& key, const Error& error, Time begun, Time now);
    void answer_all(SlotKey& key, const Error& error);
    void died(const Container& container, Time now);
    void note_death(SlotKey& key, Time born, Time now);
    static bool is_hopeless(const SlotKey& key, const SlotWaiter& waiter);
    void answer_hopeless(SlotKey& key);
    void look_back(SlotKey& key, Time now);
    void ask(SlotKey& key, Time now);
    bool wants_launch(const SlotKey& key, Time now) const;
    bool exceeds_cpus(const SlotKey& key) const;
    void pump(Time now);
    void leave_ring(std::size_t at);
    void to_end_of_ring(std::size_t at);
    void begin_launch(SlotKey& key, MemoryTokens::Token memory, Time now);
    void note_short(SlotKey& key, Time now);
    bool is_overdue(const SlotKey& key, Time now) const;
    bool is_entitled(const SlotKey& key) const;
    bool make_room(SlotKey& key, std::int64_t wanted_mb, Time now);
    void evict(const SlotKey& wanting, std::int64_t lacking_mb);
    bool must_make_way(const Container& container, Time now) const;
    std::int64_t fair_share_mb() const;
    std::int64_t lacking_mb(std::int64_t wanted_mb) const;
    void review_at(SlotKey& key, Time at);

    MemoryTokens& memory_;
    const LaunchPolicy policy_;
    Actions actions_;
    std::unordered_map<std::string, SlotKey> keys_;
    std::unordered_map<std::string, SlotFn> fns_;
    std::deque<SlotKey*> ring_;              // keys that want a launch, in turn
    std::deque<SlotKey*> warm_list_;         // keys with fewer containers than min_idle
    std::multimap<Time, SlotKey*> reviews_;  // keys to be looked at again
    std::vector<SlotKey*> unused_;           // to be forgotten at the end of the event
    std::list<ContainerRef> busy_;           // of all keys
    IdleContainers idle_;                    // of all keys
    std::uint64_t turns_ = 0;
    std::size_t active_ = 0;  // keys
    std::size_t waiting_ = 0;
    std::size_t waiting_held_up_ = 0;
    std::size_t starting_ = 0;
    std::size_t pulling_ = 0;  // of those starting
    std::size_t freezing_ = 0;
    std::unordered_map<std::string, SlotPull> pulls_;  // by image
    std::int64_t milli_cpus_ = 0;
    std::int64_t leaving_mb_ = 0;           // of containers being removed
    std::int64_t overdue_mb_ = 0;           // to be had from containers that are given back ...
    const SlotKey* overdue_for_ = nullptr;  // ... for this key, the first of those that wait for it
    double mean_start_s_ = policy_.expected_start_s;
    bool closing_ = false;
};

}  // namespace stoker
