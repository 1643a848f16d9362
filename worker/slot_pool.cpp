#include "worker/slot_pool.hpp"

#include <algorithm>

#include "common/async/spawn.hpp"
#include "common/log.hpp"
#include "worker/launch_errors.hpp"

namespace stoker {

namespace {

/// How long keys that fit may be served before one that waits for memory.
constexpr std::chrono::seconds overtaking_max{10};
/// Of the keys that want a launch, how many are looked at in one go.
constexpr std::size_t ring_looked_at_max = 64;

/// Moves a mean towards a new sample; recent samples count more.
double moved(double mean, double sample) { return mean + (sample - mean) * 0.2; }

double seconds(std::chrono::steady_clock::duration d) {
    return std::chrono::duration<double>(d).count();
}

}  // namespace

SlotPool::SlotPool(
    Lanes& lanes, MemoryTokens& memory, LaunchPolicy policy, Hooks hooks, Millis freeze_after
) :
    lanes_(lanes),
    memory_(memory),
    policy_(policy),
    hooks_(std::move(hooks)),
    idle_(freeze_after),
    mean_start_s_(policy.expected_start_s),
    review_lane_(lanes.at(0)) {}

void SlotPool::start() {
    spawn(background_, review_lane_, "slot_pool.review", review_loop());
    spawn(background_, review_lane_, "slot_pool.idle", idle_loop());
}

Task<Result<SlotPool::Slot>> SlotPool::acquire(FnSpecRef fn, Deadline give_up) {
    const auto lane = co_await asio::this_coro::executor;
    const auto memory_mb = static_cast<std::int64_t>(fn->memory_mb);
    if (!memory_.can_ever_fit(memory_mb)) co_return fail(Errc::impossible_memory);
    for (;;) {
        ContainerRef idle;
        bool is_awake = true;
        WaiterRef waiter;
        Todo todo;
        {
            const std::scoped_lock lock(mutex_);
            if (closing_) co_return fail(Errc::shutting_down);
            auto& key = key_of(fn);
            if (!key.idle.empty()) {
                idle = key.idle.back();
                take_out_of_idle(key, idle);
                busy_.insert(idle);
                is_awake = idle->rest == Rest::awake;
            } else {
                waiter = enqueue(key, lane, todo);
            }
        }
        const bool changed = idle || !todo.launches.empty();
        carry_out(std::move(todo));
        if (changed) hooks_.changed();
        if (waiter) co_return co_await wait_in_line(std::move(fn), std::move(waiter), give_up);
        if (is_awake || co_await thaw(idle)) co_return Slot(this, std::move(idle));
        const Slot unusable(this, std::move(idle));  // dropped: it is removed
    }
}

Task<Result<SlotPool::Slot>> SlotPool::wait_in_line(
    FnSpecRef fn, WaiterRef waiter, Deadline give_up
) {
    auto got = co_await waiter->answer.wait(give_up);
    if (!got) {
        bool answered = false;
        Todo todo;
        {
            const std::scoped_lock lock(mutex_);
            answered = !waiter->queued;
            if (!answered) {
                auto& key = key_of(fn);
                std::erase(key.waiters, waiter);
                forget_if_unused(fn->slot_key);
                pump(todo);  // those behind may go on
            }
        }
        carry_out(std::move(todo));
        if (!answered) co_return fail(Errc::server_busy);
        // The answer is on its way to this lane: it must not be lost with its container in it.
        got = co_await waiter->answer.wait(Deadline::max());
    }
    if (!*got) co_return fail(got->error());
    co_return Slot(this, std::move(**got));
}

void SlotPool::give_back(ContainerRef container, Clock::time_point since, bool reusable) {
    Todo todo;
    {
        const std::scoped_lock lock(mutex_);
        busy_.erase(container);
        auto& key = key_of(container->fn);
        const auto now = Clock::now();
        key.latest_end = now;
        key.mean_run_s = moved(key.mean_run_s.value_or(seconds(now - since)), seconds(now - since));
        if (!reusable || closing_ || container->exited.is_set()) {
            retire(key, container, todo);
        } else {
            offer(key, std::move(container), todo);
        }
        consider(key, now);
        pump(todo);
    }
    carry_out(std::move(todo));
    note_if_all_back();
    hooks_.changed();
}

void SlotPool::container_exited(const ContainerRef& container) {
    Todo todo;
    {
        const std::scoped_lock lock(mutex_);
        if (!container->idle_place) return;  // its call will give it back
        auto& key = key_of(container->fn);
        take_out_of_idle(key, container);
        retire(key, container, todo);
        pump(todo);
    }
    carry_out(std::move(todo));
    hooks_.changed();
}

CallPhase SlotPool::phase_of(const std::string& slot_key) const {
    const std::scoped_lock lock(mutex_);
    const auto found = keys_.find(slot_key);
    if (found == keys_.end() || found->second.starting == 0) return CallPhase::slot;
    return pulls_.contains(found->second.fn->image) ? CallPhase::pulling : CallPhase::starting;
}

std::int64_t SlotPool::busy_mb() const {
    const std::scoped_lock lock(mutex_);
    return memory_.used_mb() - idle_.mb();
}

SlotPool::Counts SlotPool::counts() const {
    const std::scoped_lock lock(mutex_);
    Counts counts{
        .starting = starting_,
        .idle = idle_.size() - idle_.frozen(),
        .frozen = idle_.frozen(),
        .busy = busy_.size(),
        .waiting = 0
    };
    for (const auto& [name, key] : keys_) counts.waiting += key.waiters.size();
    return counts;
}

// --- with the mutex held ---

SlotPool::WaiterRef SlotPool::enqueue(Key& key, Executor lane, Todo& todo) {
    auto waiter = std::make_shared<Waiter>(lane);
    const auto now = Clock::now();
    if (key.waiters.empty()) key.waiting_since = now;
    key.waiters.push_back(waiter);
    consider(key, now);
    pump(todo);
    if (const auto due = launch_due(key)) review_by(*due);
    return waiter;
}

SlotPool::Key& SlotPool::key_of(const FnSpecRef& fn) {
    auto& key = keys_[fn->slot_key];
    key.fn = fn;
    return key;
}

void SlotPool::forget_if_unused(const std::string& slot_key) {
    const auto found = keys_.find(slot_key);
    if (found == keys_.end()) return;
    const auto& key = found->second;
    if (key.waiters.empty() && key.alive == 0 && key.starting == 0 && !key.in_ring) {
        keys_.erase(found);
    }
}

void SlotPool::offer(Key& key, ContainerRef container, Todo& todo) {
    if (!key.waiters.empty()) {
        auto waiter = std::move(key.waiters.front());
        key.waiters.pop_front();
        waiter->queued = false;
        busy_.insert(container);
        waiter->answer.set(std::move(container));
        return;
    }
    if (container->is_cold() || container->exited.is_set()) {
        retire(key, container, todo);
        return;
    }
    idle_.add(container, Clock::now());
    idle_by(next_idle_due());
    key.idle.push_back(std::move(container));
}

void SlotPool::take_out_of_idle(Key& key, const ContainerRef& container) {
    idle_.remove(container);
    if (key.idle.back() == container) {
        key.idle.pop_back();  // by far the most frequent: last in, first out
    } else {
        std::erase(key.idle, container);
    }
}

void SlotPool::retire(Key& key, const ContainerRef& container, Todo& todo) {
    --key.alive;
    container->retired = true;
    leaving_mb_ += container->memory.mb();
    todo.removals.push_back(container);
}

std::optional<SlotPool::Clock::time_point> SlotPool::launch_due(const Key& key) const {
    // One launch at a time waits for an image: more would only hold memory meanwhile.
    if (pulls_.contains(key.fn->image)) return std::nullopt;
    return stoker::launch_due(
        Demand{
            .waiting = key.waiters.size(),
            .starting = key.starting,
            .alive = key.alive,
            .mean_run_s = key.mean_run_s,
            .mean_start_s = mean_start_s_,
            .waiting_since = key.waiting_since,
            .latest_end = key.latest_end
        },
        policy_
    );
}

void SlotPool::consider(Key& key, Clock::time_point now) {
    if (key.in_ring || closing_) return;
    const auto due = launch_due(key);
    if (!due || *due > now) return;
    key.in_ring = true;
    ring_.push_back(key.fn->slot_key);
}

/// The caller that waited longest hears of it; all who wait for this image when it is about that.
void SlotPool::answer_waiters(const FnSpecRef& fn, const Error& error) {
    const auto answer_first = [&](Key& key) {
        key.waiters.front()->queued = false;
        key.waiters.front()->answer.set(fail(error));
        key.waiters.pop_front();
    };
    if (!concerns_image(error.code)) {
        if (auto& key = key_of(fn); !key.waiters.empty()) answer_first(key);
        return;
    }
    std::vector<std::string> answered;
    for (auto& [name, key] : keys_) {
        if (key.fn->image != fn->image || key.waiters.empty()) continue;
        while (!key.waiters.empty()) answer_first(key);
        if (name != fn->slot_key) answered.push_back(name);
    }
    for (const auto& name : answered) forget_if_unused(name);
}

void SlotPool::leave_pull(const std::string& image) {
    --pulling_;
    const auto pull = pulls_.find(image);
    if (--pull->second > 0) return;
    pulls_.erase(pull);
    const auto now = Clock::now();
    for (auto& [name, key] : keys_) {
        if (key.fn->image == image) consider(key, now);
    }
}

void SlotPool::pump(Todo& todo) {
    const auto now = Clock::now();
    bool short_of_memory = false;
    for (std::size_t at = 0; at < std::min(ring_.size(), ring_looked_at_max);) {
        // Pulls are slow and no work for this machine: they do not take a start's place.
        if (starting_ - pulling_ >= policy_.start_max || closing_) break;
        const auto name = ring_[at];
        auto& key = keys_.at(name);
        const auto due = launch_due(key);
        if (!due || *due > now) {
            ring_.erase(ring_.begin() + static_cast<std::ptrdiff_t>(at));
            key.in_ring = false;
            key.short_since.reset();
            forget_if_unused(name);
            continue;
        }
        const auto needed_mb = static_cast<std::int64_t>(key.fn->memory_mb);
        auto token = memory_.try_take(needed_mb);
        if (!token) {
            // Room is made for the first in turn only. Those behind it may use what is free
            // meanwhile, but not for ever: a big function must not starve behind small ones.
            if (!std::exchange(short_of_memory, true)) make_room(key, needed_mb, todo);
            if (!key.short_since) key.short_since = now;
            if (now - *key.short_since > overtaking_max) break;
            ++at;
            continue;
        }
        ++key.starting;
        ++starting_;
        key.waiting_since = now;  // one launch for each such stretch of waiting
        key.short_since.reset();
        todo.launches.emplace_back(key.fn, std::move(*token));
        ring_.erase(ring_.begin() + static_cast<std::ptrdiff_t>(at));
        ring_.push_back(name);
    }
}

void SlotPool::make_room(const Key& wanting, std::int64_t needed_mb, Todo& todo) {
    auto short_mb = needed_mb - memory_.free_mb() - leaving_mb_;
    std::vector<ContainerRef> victims;
    for (const auto& container : idle_.oldest_first()) {
        if (short_mb <= 0) break;
        if (container->fn->slot_key == wanting.fn->slot_key) continue;
        victims.push_back(container);
        short_mb -= container->memory.mb();
    }
    if (short_mb > 0) return;  // not enough: evicting some would help nobody
    for (const auto& victim : victims) {
        auto& key = key_of(victim->fn);
        take_out_of_idle(key, victim);
        retire(key, victim, todo);
    }
}

SlotPool::Clock::time_point SlotPool::next_review() const {
    auto next = Clock::time_point::max();
    for (const auto& [name, key] : keys_) {
        if (key.in_ring || key.waiters.empty()) continue;
        if (const auto due = launch_due(key)) next = std::min(next, *due);
    }
    return next;
}

void SlotPool::review_by(Clock::time_point at) {
    if (!review_ || at >= review_at_) return;
    review_at_ = at;
    std::exchange(review_, std::nullopt)->set(true);
}

// --- without the mutex ---

void SlotPool::carry_out(Todo todo) {
    for (auto& [fn, memory] : todo.launches) {
        spawn(background_, lanes_.next(), "slot_pool.launch", launch(fn, std::move(memory)));
    }
    for (auto& container : todo.removals) {
        const auto home = container->home;
        spawn(background_, home, "slot_pool.remove", remove(std::move(container)));
    }
    for (auto& [container, pass] : todo.freezes) {
        const auto home = container->home;
        spawn(home, "slot_pool.freeze", freeze(std::move(container), std::move(pass)));
    }
}

Task<> SlotPool::launch(FnSpecRef fn, MemoryTokens::Token memory) {
    auto begun = Clock::now();
    bool pulling = false;
    const auto phase = [&](CallPhase now) {
        if (now == CallPhase::pulling && !std::exchange(pulling, true)) pull_began(fn);
        if (now == CallPhase::pulling || !std::exchange(pulling, false)) return;
        pull_ended(fn);
        begun = Clock::now();  // what a start takes is measured without the pull
    };
    auto result = co_await hooks_.launch(fn, std::move(memory), phase);
    launched(fn, std::move(result), Clock::now() - begun, pulling);
}

void SlotPool::pull_began(const FnSpecRef& fn) {
    Todo todo;
    {
        const std::scoped_lock lock(mutex_);
        ++pulls_[fn->image];
        ++pulling_;
        pump(todo);
    }
    carry_out(std::move(todo));
}

void SlotPool::pull_ended(const FnSpecRef& fn) {
    Todo todo;
    {
        const std::scoped_lock lock(mutex_);
        leave_pull(fn->image);
        pump(todo);
    }
    carry_out(std::move(todo));
}

void SlotPool::launched(
    const FnSpecRef& fn, Result<ContainerRef> result, Clock::duration took, bool pulling
) {
    Todo todo;
    {
        const std::scoped_lock lock(mutex_);
        auto& key = key_of(fn);
        --key.starting;
        --starting_;
        if (result) {
            ++key.alive;
            mean_start_s_ = moved(mean_start_s_, seconds(took));
            if (closing_) {
                retire(key, *result, todo);
            } else {
                // Even one that has exited: the call finds out how, and another would do the same.
                offer(key, std::move(*result), todo);
            }
        } else {
            answer_waiters(fn, result.error());
        }
        if (pulling) leave_pull(fn->image);
        consider(key, Clock::now());
        if (const auto due = launch_due(key)) review_by(*due);
        forget_if_unused(fn->slot_key);
        pump(todo);
    }
    carry_out(std::move(todo));
    note_if_all_back();
    hooks_.changed();
}

Task<> SlotPool::remove(ContainerRef container) {
    const auto fn = container->fn;
    const auto memory_mb = container->memory.mb();
    // A freeze under way must not come after the thaw that a removal begins with.
    if (container->freeze_end) co_await container->freeze_end->wait(Deadline::max());
    co_await hooks_.remove(container);
    Todo todo;
    {
        const std::scoped_lock lock(mutex_);
        container->memory = {};
        leaving_mb_ -= memory_mb;
        forget_if_unused(fn->slot_key);
        pump(todo);
    }
    carry_out(std::move(todo));
    hooks_.changed();
}

Task<> SlotPool::review_loop() {
    for (;;) {
        OneShot<bool> woken(review_lane_);
        Clock::time_point next;
        {
            const std::scoped_lock lock(mutex_);
            if (closing_) co_return;
            next = review_at_ = next_review();
            review_ = woken;
        }
        co_await woken.wait(next);
        Todo todo;
        {
            const std::scoped_lock lock(mutex_);
            review_.reset();
            review(todo);
        }
        carry_out(std::move(todo));
    }
}

void SlotPool::review(Todo& todo) {
    const auto now = Clock::now();
    for (auto& [name, key] : keys_) consider(key, now);
    pump(todo);
}

void SlotPool::close() {
    Todo todo;
    {
        const std::scoped_lock lock(mutex_);
        closing_ = true;
        for (auto& [name, key] : keys_) {
            for (auto& waiter : key.waiters) {
                waiter->queued = false;
                waiter->answer.set(fail(Errc::shutting_down));
            }
            key.waiters.clear();
        }
        while (idle_.size() > 0) {
            const auto container = idle_.oldest_first().front();
            auto& key = key_of(container->fn);
            take_out_of_idle(key, container);
            retire(key, container, todo);
        }
        review_by(Clock::time_point::min());
        idle_by(Clock::time_point::min());
    }
    carry_out(std::move(todo));
    note_if_all_back();
}

void SlotPool::note_if_all_back() {
    {
        const std::scoped_lock lock(mutex_);
        if (!closing_ || !busy_.empty() || starting_ > 0) return;
    }
    all_back_.set(true);
}

void SlotPool::kill_busy() {
    std::vector<ContainerRef> busy;
    {
        const std::scoped_lock lock(mutex_);
        busy.assign(busy_.begin(), busy_.end());
    }
    for (auto& container : busy) {
        spawn(background_, container->home, "slot_pool.kill", hooks_.kill(container));
    }
}

Task<bool> SlotPool::drained(Deadline deadline) {
    // Only then: a removal that begins after the gate has closed would not happen.
    co_await all_back_.wait(deadline);
    co_return co_await background_.close(deadline);
}

}  // namespace stoker
