#include "worker/slot_pool.hpp"

#include <algorithm>

#include "common/async/spawn.hpp"

namespace stoker {

SlotPool::SlotPool(Lanes& lanes, MemoryTokens& memory, LaunchPolicy policy, Hooks hooks) :
    lanes_(lanes),
    memory_(memory),
    policy_(policy),
    hooks_(std::move(hooks)),
    table_(memory, policy),
    tick_lane_(lanes.at(0)) {}

void SlotPool::start() { spawn(background_, tick_lane_, "slot_pool.tick", tick_loop()); }

bool SlotPool::can_ever_fit(std::uint64_t memory_mb, std::uint64_t milli_cpus) const {
    return memory_.can_ever_fit(static_cast<std::int64_t>(memory_mb)) &&
           (policy_.milli_cpus == 0 || static_cast<std::int64_t>(milli_cpus) <= policy_.milli_cpus);
}

Task<Result<SlotPool::Slot>> SlotPool::acquire(FnSpecRef fn, Deadline give_up) {
    const auto lane = co_await asio::this_coro::executor;
    if (!can_ever_fit(*fn)) co_return fail(Errc::impossible_memory);
    ContainerRef idle;
    std::shared_ptr<Waiter> waiter;
    SlotTable::Actions actions;
    {
        const std::scoped_lock lock(mutex_);
        if (table_.is_closing()) co_return fail(Errc::shutting_down);
        idle = table_.take_idle(fn);
        if (!idle) {
            waiter = std::make_shared<Waiter>(fn, lane);
            table_.want(waiter, Clock::now());
            actions = take_actions();
        }
    }
    const bool changed = idle || !actions.launches.empty();
    carry_out(std::move(actions));
    if (changed) hooks_.changed();
    if (idle) co_return Slot(this, std::move(idle));

    auto got = co_await waiter->answer.wait(give_up);
    if (!got) {
        bool given_up = false;
        on([&](SlotTable& table, auto now) { given_up = table.give_up(waiter, now); });
        if (given_up) co_return fail(Errc::server_busy);
        // The answer is on its way to this lane: it must not be lost with its container in it.
        got = co_await waiter->answer.wait(Deadline::max());
    }
    if (!*got) co_return fail(got->error());
    co_return Slot(this, std::move(**got));
}

void SlotPool::give_back(ContainerRef container, Clock::time_point since, bool reusable) {
    on([&](SlotTable& table, auto now) { table.gave_back(container, since, reusable, now); });
    hooks_.changed();
}

void SlotPool::container_exited(const ContainerRef& container) {
    on([&](SlotTable& table, auto now) { table.exited(container, now); });
    hooks_.changed();
}

void SlotPool::keep_warm(FnSpecRef fn) {
    if (!can_ever_fit(*fn)) return;
    on([&](SlotTable& table, auto now) { table.keep_warm(fn, now); });
}

void SlotPool::forget_warm(const std::string& fn_id) {
    on([&](SlotTable& table, auto now) { table.forget_warm(fn_id, now); });
}

CallPhase SlotPool::phase_of(const std::string& slot_key) const {
    const std::scoped_lock lock(mutex_);
    return table_.phase_of(slot_key);
}

std::int64_t SlotPool::busy_mb() const {
    const std::scoped_lock lock(mutex_);
    return memory_.used_mb() - table_.idle_mb();
}

SlotPool::Counts SlotPool::counts() const {
    const std::scoped_lock lock(mutex_);
    return {
        .starting = table_.starting(),
        .idle = table_.idle(),
        .busy = table_.busy(),
        .waiting = table_.waiting(),
        .waiting_limited = table_.waiting_limited(),
        .milli_cpus = table_.milli_cpus()
    };
}

std::size_t SlotPool::concurrency_limit(const std::string& fn_id) const {
    const std::scoped_lock lock(mutex_);
    return table_.concurrency_limit(fn_id);
}

template <class Event>
void SlotPool::on(Event event) {
    SlotTable::Actions actions;
    bool is_all_back = false;
    {
        const std::scoped_lock lock(mutex_);
        event(table_, Clock::now());
        actions = take_actions();
        is_all_back = table_.is_all_back();
    }
    carry_out(std::move(actions));
    if (is_all_back) all_back_.set(true);
}

void SlotPool::carry_out(SlotTable::Actions actions) {
    for (auto& [waiter, answer] : actions.handovers) {
        static_cast<Waiter&>(*waiter).answer.set(std::move(answer));
    }
    for (auto& next : actions.launches) {
        spawn(background_, lanes_.next(), "slot_pool.launch", launch(std::move(next)));
    }
    for (auto& container : actions.removals) {
        const auto home = container->home;
        spawn(background_, home, "slot_pool.remove", remove(std::move(container)));
    }
}

SlotTable::Actions SlotPool::take_actions() {
    auto actions = table_.take_actions();
    if (tick_ && actions.tick_by < tick_at_) {
        tick_at_ = actions.tick_by;
        std::exchange(tick_, std::nullopt)->set(true);
    }
    return actions;
}

Task<> SlotPool::launch(SlotTable::Launch launch) {
    const auto begun = Clock::now();
    auto result = co_await hooks_.launch(launch.fn, std::move(launch.memory), launch.phase);
    on([&](SlotTable& table, auto now) {
        table.launched(launch.key, std::move(result), begun, now);
    });
    hooks_.changed();
}

Task<> SlotPool::remove(ContainerRef container) {
    co_await hooks_.remove(container);
    on([&](SlotTable& table, auto now) { table.removed(container, now); });
    hooks_.changed();
}

Task<> SlotPool::tick_loop() {
    for (;;) {
        OneShot<bool> woken(tick_lane_);
        Clock::time_point next;
        {
            const std::scoped_lock lock(mutex_);
            if (table_.is_closing()) co_return;
            next = tick_at_ = table_.next_tick();
            tick_ = woken;
        }
        co_await woken.wait(next);
        {
            const std::scoped_lock lock(mutex_);
            tick_.reset();
        }
        on([](SlotTable& table, auto now) { table.tick(now); });
    }
}

void SlotPool::close() {
    on([](SlotTable& table, auto) { table.close(); });
}

void SlotPool::kill_busy() {
    std::vector<ContainerRef> busy;
    {
        const std::scoped_lock lock(mutex_);
        busy.assign(table_.in_use().begin(), table_.in_use().end());
    }
    for (auto& container : busy) {
        const auto home = container->home;
        spawn(background_, home, "slot_pool.kill", hooks_.kill(std::move(container)));
    }
}

Task<bool> SlotPool::drained(Deadline deadline) {
    // Only then: a removal that begins after the gate has closed would not happen.
    co_await all_back_.wait(deadline);
    co_return co_await background_.close(deadline);
}

}  // namespace stoker
