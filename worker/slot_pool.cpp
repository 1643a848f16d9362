#include "worker/slot_pool.hpp"

#include <algorithm>

#include "common/async/spawn.hpp"
#include "worker/launch_errors.hpp"

namespace stoker {

SlotPool::SlotPool(
    Lanes& lanes, MemoryTokens& memory, LaunchPolicy policy, Hooks hooks, Millis freeze_after
) :
    lanes_(lanes),
    memory_(memory),
    policy_(policy),
    hooks_(std::move(hooks)),
    table_(memory, policy, freeze_after),
    tick_lane_(lanes.at(0)) {}

void SlotPool::start() { spawn(background_, tick_lane_, "slot_pool.tick", tick_loop()); }

bool SlotPool::can_ever_fit(std::uint64_t memory_mb, std::uint64_t milli_cpus) const {
    return memory_.can_ever_fit(static_cast<std::int64_t>(memory_mb)) &&
           (policy_.milli_cpus == 0 || static_cast<std::int64_t>(milli_cpus) <= policy_.milli_cpus);
}

Task<Result<SlotPool::Slot>> SlotPool::acquire(FnSpecRef fn, Deadline give_up, bool is_claimed) {
    if (!can_ever_fit(*fn)) co_return fail(Errc::impossible_memory);
    for (;;) {
        auto found = co_await find(fn, give_up, is_claimed);
        if (!found) co_return fail(found.error());
        // Only whoever holds the slot changes it from here on, but for a freeze under way.
        const bool is_awake = !(*found)->freeze_end;
        Slot slot(this, std::move(*found));
        if (is_awake || co_await thaw(slot.ref())) co_return slot;
        // The slot is dropped, which removes the container.
    }
}

Task<Result<ContainerRef>> SlotPool::find(FnSpecRef fn, Deadline give_up, bool is_claimed) {
    const auto lane = co_await asio::this_coro::executor;
    ContainerRef idle;
    std::shared_ptr<Waiter> waiter;
    Todo todo;
    {
        const std::scoped_lock lock(mutex_);
        if (table_.is_closing()) co_return fail(Errc::shutting_down);
        idle = table_.take_idle(fn);
        if (!idle) {
            waiter = std::make_shared<Waiter>(fn, is_claimed, give_up, lane);
            table_.want(waiter, Clock::now());
            todo = take_actions();
        }
    }
    carry_out(std::move(todo));
    if (idle) hooks_.changed();
    if (idle) co_return idle;
    co_return co_await wait_in_line(std::move(waiter), give_up);
}

Task<Result<ContainerRef>> SlotPool::wait_in_line(
    std::shared_ptr<Waiter> waiter, Deadline give_up
) {
    auto got = co_await waiter->answer.wait(give_up);
    if (!got) {
        bool given_up = false;
        on([&](SlotTable& table, auto now) { given_up = table.give_up(waiter, now); });
        if (given_up) {
            if (launch_pause(waiter->fn->slot_key) > Millis::zero()) co_return fail(crash_loop());
            co_return fail(Errc::server_busy);
        }
        // The answer is on its way to this lane: it must not be lost with its container in it.
        got = co_await waiter->answer.wait(Deadline::max());
    }
    co_return std::move(*got);
}

void SlotPool::give_back(ContainerRef container, Clock::time_point since, bool reusable) {
    on([&](SlotTable& table, auto now) { table.gave_back(container, since, reusable, now); });
    hooks_.changed();
}

void SlotPool::container_exited(const ContainerRef& container) {
    on([&](SlotTable& table, auto now) { table.exited(container, now); });
    hooks_.changed();
}

void SlotPool::engine_came_back() {
    on([](SlotTable& table, auto now) { table.engine_came_back(now); });
}

void SlotPool::keep_warm(FnSpecRef fn) {
    if (!can_ever_fit(*fn)) return;
    on([&](SlotTable& table, auto now) { table.keep_warm(fn, now); });
}

void SlotPool::forget_warm(const std::string& fn_id) {
    on([&](SlotTable& table, auto now) { table.forget_warm(fn_id, now); });
}

std::vector<std::string> SlotPool::warm_fns() const {
    const std::scoped_lock lock(mutex_);
    return table_.warm_fns();
}

CallPhase SlotPool::phase_of(const std::string& slot_key) const {
    const std::scoped_lock lock(mutex_);
    return table_.phase_of(slot_key);
}

std::string SlotPool::reason_of(const std::string& slot_key) const {
    const std::scoped_lock lock(mutex_);
    return table_.reason_of(slot_key);
}

double SlotPool::wait_s(const FnSpec& fn) const {
    const std::scoped_lock lock(mutex_);
    return table_.wait_s(fn);
}

Millis SlotPool::launch_pause(const std::string& slot_key) const {
    const std::scoped_lock lock(mutex_);
    return table_.launch_pause(slot_key);
}

std::int64_t SlotPool::busy_mb() const {
    const std::scoped_lock lock(mutex_);
    return memory_.used_mb() - table_.idle_mb();
}

SlotPool::Counts SlotPool::counts() const {
    const std::scoped_lock lock(mutex_);
    return {
        .starting = table_.starting(),
        .idle = table_.idle() - table_.frozen(),
        .frozen = table_.frozen(),
        .busy = table_.busy(),
        .waiting = table_.waiting(),
        .waiting_held_up = table_.waiting_held_up(),
        .milli_cpus = table_.milli_cpus()
    };
}

std::optional<std::size_t> SlotPool::use_bound(const std::string& fn_id) const {
    const std::scoped_lock lock(mutex_);
    return table_.use_bound(fn_id);
}

template <class Event>
void SlotPool::on(Event event) {
    Todo todo;
    bool have_all_ended = false;
    bool is_all_back = false;
    {
        const std::scoped_lock lock(mutex_);
        event(table_, Clock::now());
        todo = take_actions();
        have_all_ended = table_.is_closing() && table_.busy() == 0;
        is_all_back = table_.is_all_back();
    }
    carry_out(std::move(todo));
    if (have_all_ended) all_ended_.set(true);
    if (is_all_back) all_back_.set(true);
}

void SlotPool::carry_out(Todo todo) {
    // Also of a tick: what starts, goes or is handed over is busy from now on.
    const bool changed =
        !todo.launches.empty() || !todo.removals.empty() || !todo.handovers.empty();
    for (auto& [waiter, answer] : todo.handovers) {
        static_cast<Waiter&>(*waiter).answer.set(std::move(answer));
    }
    for (auto& next : todo.launches) {
        spawn(background_, lanes_.next(), "slot_pool.launch", launch(std::move(next)));
    }
    for (auto& container : todo.removals) {
        const auto home = container->home;
        spawn(background_, home, "slot_pool.remove", remove(std::move(container)));
    }
    for (std::size_t i = 0; i < todo.freezes.size(); ++i) {
        auto& container = todo.freezes[i];
        const auto home = container->home;
        auto task = freeze(std::move(container), std::move(todo.freeze_passes[i]));
        spawn(home, "slot_pool.freeze", std::move(task));
    }
    if (changed) hooks_.changed();
}

SlotPool::Todo SlotPool::take_actions() {
    Todo todo{table_.take_actions(), {}};
    for (auto& container : todo.freezes) {
        // The gate is open: it closes after the table, and a closed table freezes nothing.
        todo.freeze_passes.push_back(*background_.enter());
        container->freeze_end = std::make_shared<Latch<bool>>();
    }
    if (tick_ && todo.tick_by < tick_at_) {
        tick_at_ = todo.tick_by;
        std::exchange(tick_, std::nullopt)->set(true);
    }
    return todo;
}

Task<> SlotPool::launch(SlotTable::Launch launch) {
    auto* const key = launch.key;
    SlotTable::LaunchEnd end{fail(Errc::internal), Clock::now(), false, nullptr};
    const auto phase = [&](CallPhase now) {
        const bool pulls = now == CallPhase::pulling;
        if (pulls == std::exchange(end.was_pulling, pulls)) return;
        if (!pulls) end.begun = Clock::now();  // what a start takes is measured without the pull
        on([&](SlotTable& table, auto at) {
            if (pulls) {
                table.pull_began(key, at);
            } else {
                table.pull_ended(key, at);
            }
        });
    };
    LaunchReport report{phase, [&](ContainerRef container) { end.leaves = std::move(container); }};
    end.result = co_await hooks_.launch(launch.fn, std::move(launch.memory), std::move(report));
    on([&](SlotTable& table, auto now) { table.launched(key, std::move(end), now); });
    hooks_.changed();
}

Task<> SlotPool::remove(ContainerRef container) {
    // A freeze under way must not come after the thaw that a removal begins with.
    if (container->freeze_end) co_await container->freeze_end->wait(Deadline::max());
    co_await hooks_.remove(container);
    on([&](SlotTable& table, auto now) { table.removed(container, now); });
    hooks_.changed();
}

// The pass lives as long as the task: the pool waits for it.
Task<> SlotPool::freeze(ContainerRef container, Gate::Pass) {
    const bool frozen = co_await hooks_.freeze(container);
    on([&](SlotTable& table, auto now) { table.froze(container, frozen, now); });
    container->freeze_end->set(frozen);
}

Task<bool> SlotPool::thaw(ContainerRef container) {
    // It may have been chosen while its freeze was under way.
    const auto frozen = co_await container->freeze_end->wait(Deadline::max());
    if (!frozen.value_or(false)) co_return false;
    const bool thawed = co_await hooks_.thaw(container);
    const std::scoped_lock lock(mutex_);
    container->rest = Rest::awake;
    container->freeze_end.reset();
    co_return thawed;
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
