#pragma once

// Gives calls their container slots: SlotTable decides, here its decisions are carried out. The one
// shared structure of the agent: a mutex held for microseconds, never across a wait; containers are
// started and removed by functions it is given. Used on any lane.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/async/gate.hpp"
#include "common/async/lanes.hpp"
#include "common/async/latch.hpp"
#include "common/async/one_shot.hpp"
#include "model/call.hpp"
#include "model/error.hpp"
#include "worker/container.hpp"
#include "worker/launch_policy.hpp"
#include "worker/memory.hpp"
#include "worker/slot_table.hpp"

namespace stoker {

/// How a launch says how it goes on; on its lane, while it lasts.
struct LaunchReport {
    /// Pulling, if its image is absent, then starting.
    std::function<void(CallPhase)> phase;
    /// It fails and leaves this behind, for the pool to remove.
    std::function<void(ContainerRef)> leaves;
};

class SlotPool {
public:
    struct Hooks {
        /// Starts a container; runs on the lane it is spawned on, which becomes its home.
        std::function<Task<Result<ContainerRef>>(FnSpecRef, MemoryTokens::Token, LaunchReport)>
            launch;
        /// Removes it for good, however long that takes.
        std::function<Task<>(ContainerRef)> remove;
        /// Ends its process now; it will be removed later.
        std::function<Task<>(ContainerRef)> kill;
        /// Stops its processes, or lets them go on; false: the container is of no use any more.
        /// Not called if never to freeze.
        std::function<Task<bool>(ContainerRef)> freeze = nullptr;
        std::function<Task<bool>(ContainerRef)> thaw = nullptr;
        /// Memory or slots changed. Any thread, must not block or call back.
        std::function<void()> changed;
    };

    /// The exclusive right to run one call in a container. Dropping it unreleased retires the
    /// container.
    class Slot {
    public:
        Slot(Slot&&) noexcept = default;
        Slot& operator=(Slot&&) = delete;
        ~Slot() {
            if (container_) pool_->give_back(std::move(container_), since_, false);
        }
        Container& container() const { return *container_; }
        ContainerRef ref() const { return container_; }
        /// The container may take another call.
        void release() && { pool_->give_back(std::move(container_), since_, true); }

    private:
        friend class SlotPool;
        Slot(SlotPool* pool, ContainerRef container) :
            pool_(pool),
            container_(std::move(container)) {}
        SlotPool* pool_;
        ContainerRef container_;
        Deadline since_ = std::chrono::steady_clock::now();
    };

    /// Containers that have been idle for `freeze_after` are frozen; 0: never.
    SlotPool(
        Lanes& lanes,
        MemoryTokens& memory,
        LaunchPolicy policy,
        Hooks hooks,
        Millis freeze_after = Millis::zero()
    );

    void start();

    /// A slot for the function. Errors: server_busy at the deadline or before, when it is
    /// certain; shutting_down, impossible_memory, and what a launch that this caller
    /// waited for failed with. `is_claimed`: the call came from the queue.
    Task<Result<Slot>> acquire(FnSpecRef fn, Deadline give_up, bool is_claimed = false);

    /// Keeps min_idle containers of the function alive though nobody calls, from now on. Its first
    /// call does the same.
    void keep_warm(FnSpecRef fn);
    /// The function is gone, or wants none any more.
    void forget_warm(const std::string& fn_id);
    std::vector<std::string> warm_fns() const;

    /// Memory and CPU of one container fit into what there is in all.
    bool can_ever_fit(std::uint64_t memory_mb, std::uint64_t milli_cpus) const;
    bool can_ever_fit(const FnSpec& fn) const {
        return can_ever_fit(fn.container_mb(), fn.milli_cpus);
    }

    /// What those who wait for this key wait for.
    CallPhase phase_of(const std::string& slot_key) const;
    std::string reason_of(const std::string& slot_key) const;
    /// Between two launches of the key, because its containers keep dying young; zero: none.
    Millis launch_pause(const std::string& slot_key) const;

    /// For how long others would keep a call of it from its container (slot_table.hpp).
    double wait_s(const FnSpec& fn) const;

    /// Its process has ended; an idle one is removed at once.
    void container_exited(const ContainerRef& container);

    /// What was frozen is not any more.
    void engine_came_back();

    /// MB of containers that run a call or are starting or going; idle ones count as free.
    std::int64_t busy_mb() const;

    struct Counts {
        std::size_t starting = 0;
        std::size_t idle = 0;    ///< and not frozen
        std::size_t frozen = 0;  ///< idle, too
        std::size_t busy = 0;
        std::size_t waiting = 0;
        /// Claimed calls of them that wait for something else than memory and processors.
        std::size_t waiting_held_up = 0;
        std::int64_t milli_cpus = 0;  ///< of containers that run a call or are starting
    };
    Counts counts() const;
    /// Of how many calls of the function at once any more would only wait: its max_concurrency, or
    /// none while its image is being pulled or its containers do not come up. Empty: not known.
    std::optional<std::size_t> use_bound(const std::string& fn_id) const;

    /// Answers every waiter with shutting_down and removes idle containers; busy ones go when they
    /// are given back.
    void close();
    /// After close(): waits until no call is in a container.
    Task<bool> all_ended(Deadline deadline) {
        co_return (co_await all_ended_.wait(deadline)).has_value();
    }
    /// Ends the processes of busy containers: their calls fail.
    void kill_busy();
    /// After close(): waits until all slots are given back and all containers removed.
    Task<bool> drained(Deadline deadline);

private:
    using Clock = std::chrono::steady_clock;
    struct Waiter : SlotWaiter {
        Waiter(FnSpecRef its_fn, bool claimed, Deadline until, Executor lane) :
            SlotWaiter(std::move(its_fn), claimed, until),
            answer(lane) {}
        OneShot<Result<ContainerRef>> answer;
    };

    /// One that may be frozen; errors as acquire().
    Task<Result<ContainerRef>> find(FnSpecRef fn, Deadline give_up, bool is_claimed);
    Task<Result<ContainerRef>> wait_in_line(std::shared_ptr<Waiter> waiter, Deadline give_up);
    void give_back(ContainerRef container, Clock::time_point since, bool reusable);
    /// Lets the table know of an event and does what it says then.
    template <class Event>
    void on(Event event);
    /// A pass for each freeze: what has begun is waited for, and must not be dropped.
    struct Todo : SlotTable::Actions {
        std::vector<Gate::Pass> freeze_passes;
    };
    /// With the mutex held.
    Todo take_actions();
    void carry_out(Todo todo);
    Task<> launch(SlotTable::Launch launch);
    Task<> remove(ContainerRef container);
    Task<> freeze(ContainerRef container, Gate::Pass pass);
    Task<bool> thaw(ContainerRef container);
    Task<> tick_loop();

    Lanes& lanes_;
    MemoryTokens& memory_;
    const LaunchPolicy policy_;
    const Hooks hooks_;
    Gate background_;

    mutable std::mutex mutex_;
    SlotTable table_;
    const Executor tick_lane_;
    std::optional<OneShot<bool>> tick_;  // set while the tick loop sleeps
    Clock::time_point tick_at_{};
    Latch<bool> all_ended_;  // closed, and nothing is busy ...
    Latch<bool> all_back_;   // ... or starting any more
};

}  // namespace stoker
