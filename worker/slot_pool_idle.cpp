// The part of SlotPool that looks after idle containers: freezes them soon after their last call,
// thaws them for the next one, and removes those that nobody used for their idle timeout.

#include "common/async/spawn.hpp"
#include "worker/slot_pool.hpp"

namespace stoker {

namespace {

/// An engine that does the freezing takes tens of milliseconds each; it is not asked for all that
/// a burst leaves behind at once.
constexpr std::size_t freezing_max = 8;

}  // namespace

SlotPool::Clock::time_point SlotPool::next_idle_due() const {
    return idle_.next_due(freezing_ < freezing_max);
}

void SlotPool::idle_by(Clock::time_point at) {
    if (!idle_wake_ || at >= idle_wake_at_) return;
    idle_wake_at_ = at;
    std::exchange(idle_wake_, std::nullopt)->set(true);
}

Task<> SlotPool::idle_loop() {
    for (;;) {
        OneShot<bool> woken(review_lane_);
        Clock::time_point next;
        Todo todo;
        {
            const std::scoped_lock lock(mutex_);
            if (closing_) co_return;
            look_after_idle(todo);
            next = idle_wake_at_ = next_idle_due();
            idle_wake_ = woken;
        }
        carry_out(std::move(todo));
        co_await woken.wait(next);
    }
}

void SlotPool::look_after_idle(Todo& todo) {
    const auto now = Clock::now();
    while (const auto container = idle_.expired(now)) {
        auto& key = key_of(container->fn);
        take_out_of_idle(key, container);
        retire(key, container, todo);
    }
    while (freezing_ < freezing_max) {
        // A pass for each: what has begun is waited for, and must not be dropped.
        auto pass = background_.enter();
        if (!pass) break;
        auto container = idle_.take_freezable(now);
        if (!container) break;
        ++freezing_;
        container->freeze_end = std::make_shared<Latch<bool>>();
        todo.freezes.emplace_back(std::move(container), std::move(*pass));
    }
    if (!todo.removals.empty()) pump(todo);
}

// The pass lives as long as the task: the pool waits for it.
Task<> SlotPool::freeze(ContainerRef container, Gate::Pass) {
    const bool frozen = co_await hooks_.freeze(container);
    Todo todo;
    {
        const std::scoped_lock lock(mutex_);
        --freezing_;
        idle_.froze(container, frozen);
        if (!frozen && container->idle_place) {
            auto& key = key_of(container->fn);
            take_out_of_idle(key, container);
            retire(key, container, todo);
            pump(todo);
        }
        idle_by(next_idle_due());
    }
    container->freeze_end->set(frozen);
    carry_out(std::move(todo));
}

Task<bool> SlotPool::thaw(ContainerRef container) {
    // It may have been chosen while its freeze was under way.
    const auto frozen = co_await container->freeze_end->wait(Deadline::max());
    if (!frozen.value_or(false)) co_return false;
    const bool thawed = co_await hooks_.thaw(container);
    const std::scoped_lock lock(mutex_);
    container->rest = Rest::awake;
    co_return thawed;
}

}  // namespace stoker
