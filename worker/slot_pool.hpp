#pragma once

// Decides where a call runs: which idle container it gets, when a new one is worth starting, which
// idle one must go to make room. The one shared structure of the agent: a mutex held for
// microseconds, never across a wait; containers are started and removed by functions it is given.
//
// Invariants:
//  1. Containers starting for a key never exceed the callers waiting for it when the start begins.
//  2. Every container holds its memory token from before its start until it was removed.
//  3. A freed slot goes to exactly one waiter, the one that waits longest; else it is idle.
//  4. A container whose last call did not end cleanly is never given out again, and a cold one is
//     never idle: without its call it goes.
//  5. A container is frozen only while it is idle, and runs before its slot is given out.

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/async/gate.hpp"
#include "common/async/lanes.hpp"
#include "common/async/latch.hpp"
#include "common/async/one_shot.hpp"
#include "model/call.hpp"
#include "model/error.hpp"
#include "worker/container.hpp"
#include "worker/idle_containers.hpp"
#include "worker/launch_policy.hpp"
#include "worker/memory.hpp"

namespace stoker {

/// How a launch says what it is doing: pulling, if its image is absent, then starting.
using LaunchPhase = std::function<void(CallPhase)>;

class SlotPool {
public:
    struct Hooks {
        /// Starts a container; runs on the lane it is spawned on, which becomes its home.
        std::function<Task<Result<ContainerRef>>(FnSpecRef, MemoryTokens::Token, LaunchPhase)>
            launch;
        /// Removes it for good, however long that takes.
        std::function<Task<>(ContainerRef)> remove;
        /// Ends its process now; it will be removed later.
        std::function<Task<>(ContainerRef)> kill;
        /// Stops its processes, or lets them go on; false: the container is of no use any more.
        std::function<Task<bool>(ContainerRef)> freeze =
            nullptr;  ///< not called if never to freeze
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

    /// A slot for the function. Errors: server_busy at the deadline, shutting_down,
    /// impossible_memory, and what a launch that this caller waited for failed with.
    Task<Result<Slot>> acquire(FnSpecRef fn, Deadline give_up);

    /// What those who wait for this key wait for.
    CallPhase phase_of(const std::string& slot_key) const;

    /// Its process has ended; an idle one is removed at once.
    void container_exited(const ContainerRef& container);

    /// MB of containers that run a call or are starting or going; idle ones count as free.
    std::int64_t busy_mb() const;

    struct Counts {
        std::size_t starting = 0;
        std::size_t idle = 0;    ///< and not frozen
        std::size_t frozen = 0;  ///< idle, too
        std::size_t busy = 0;
        std::size_t waiting = 0;
    };
    Counts counts() const;

    /// Answers every waiter with shutting_down and removes idle containers; busy ones go when they
    /// are given back.
    void close();
    /// Ends the processes of busy containers: their calls fail.
    void kill_busy();
    /// After close(): waits until all slots are given back and all containers removed.
    Task<bool> drained(Deadline deadline);

private:
    using Clock = std::chrono::steady_clock;
    struct Waiter {
        explicit Waiter(Executor lane) : answer(lane) {}
        OneShot<Result<ContainerRef>> answer;
        bool queued = true;
    };
    using WaiterRef = std::shared_ptr<Waiter>;
    struct Key {
        FnSpecRef fn;
        std::vector<ContainerRef> idle;  // the back was used last
        std::deque<WaiterRef> waiters;
        std::size_t starting = 0;
        std::size_t alive = 0;  // idle or busy
        std::optional<double> mean_run_s;
        Clock::time_point waiting_since{};
        Clock::time_point latest_end{};
        bool in_ring = false;
        std::optional<Clock::time_point> short_since;  // its turn came, but no memory was free
    };
    /// What to do once the mutex is free.
    struct Todo {
        std::vector<std::pair<FnSpecRef, MemoryTokens::Token>> launches;
        std::vector<ContainerRef> removals;
        std::vector<std::pair<ContainerRef, Gate::Pass>> freezes;
    };

    Task<Result<Slot>> wait_in_line(FnSpecRef fn, WaiterRef waiter, Deadline give_up);
    void give_back(ContainerRef container, Clock::time_point since, bool reusable);

    // With the mutex held.
    WaiterRef enqueue(Key& key, Executor lane, Todo& todo);
    Key& key_of(const FnSpecRef& fn);
    void forget_if_unused(const std::string& slot_key);
    void offer(Key& key, ContainerRef container, Todo& todo);
    void take_out_of_idle(Key& key, const ContainerRef& container);
    void retire(Key& key, const ContainerRef& container, Todo& todo);
    std::optional<Clock::time_point> launch_due(const Key& key) const;
    void consider(Key& key, Clock::time_point now);
    void answer_waiters(const FnSpecRef& fn, const Error& error);
    void leave_pull(const std::string& image);
    void pump(Todo& todo);
    void make_room(const Key& wanting, std::int64_t needed_mb, Todo& todo);
    Clock::time_point next_review() const;
    void review_by(Clock::time_point at);
    void look_after_idle(Todo& todo);
    Clock::time_point next_idle_due() const;
    void idle_by(Clock::time_point at);
    void note_if_all_back();

    void carry_out(Todo todo);
    Task<> launch(FnSpecRef fn, MemoryTokens::Token memory);
    void pull_began(const FnSpecRef& fn);
    void pull_ended(const FnSpecRef& fn);
    Task<> remove(ContainerRef container);
    void launched(
        const FnSpecRef& fn, Result<ContainerRef> result, Clock::duration took, bool pulling
    );
    Task<> review_loop();
    void review(Todo& todo);
    Task<> idle_loop();
    Task<> freeze(ContainerRef container, Gate::Pass pass);
    Task<bool> thaw(ContainerRef container);

    Lanes& lanes_;
    MemoryTokens& memory_;
    const LaunchPolicy policy_;
    const Hooks hooks_;
    Gate background_;

    mutable std::mutex mutex_;
    std::unordered_map<std::string, Key> keys_;
    std::deque<std::string> ring_;  // keys that want a launch, in turn
    IdleContainers idle_;           // of all keys
    std::unordered_set<ContainerRef> busy_;
    std::size_t starting_ = 0;
    std::size_t freezing_ = 0;
    std::size_t pulling_ = 0;                             // of those starting
    std::unordered_map<std::string, std::size_t> pulls_;  // the same by image
    std::int64_t leaving_mb_ = 0;                         // of containers being removed
    double mean_start_s_;
    bool closing_ = false;
    Latch<bool> all_back_;  // closed, and nothing is busy or starting any more
    Executor review_lane_;
    std::optional<OneShot<bool>> review_;  // set while the review sleeps
    Clock::time_point review_at_{};
    std::optional<OneShot<bool>> idle_wake_;  // set while the idle loop sleeps
    Clock::time_point idle_wake_at_{};
};

}  // namespace stoker
