#include "worker/slot_table.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "worker/launch_errors.hpp"

namespace stoker {

namespace {

/// Moves a mean towards a new sample; recent samples count more.
double moved(double mean, double sample) { return mean + (sample - mean) * 0.2; }

double seconds(std::chrono::steady_clock::duration d) {
    return std::chrono::duration<double>(d).count();
}

}  // namespace

// --- events ---

ContainerRef SlotTable::take_idle(const FnSpecRef& fn) {
    auto& key = key_of(fn);
    // Nobody overtakes those who wait: for this key, or for this function's max_concurrency.
    if (key.idle.empty() || !key.waiters.empty()) return nullptr;
    if (!key.owner->may_use() || !key.owner->held.empty()) return nullptr;
    auto container = key.idle.back();
    take(container);
    note_active(key);
    return container;
}

void SlotTable::want(const SlotWaiterRef& waiter, Time now) {
    auto& key = key_of(waiter->fn);
    if (key.waiters.empty()) key.waiting_since = now;
    waiter->queued = true;
    waiter->turn = ++turns_;
    waiter->key = &key;
    waiter->place = key.waiters.insert(key.waiters.end(), waiter);
    ++waiting_;
    count_held_up(*waiter, key.is_held_up || key.owner->is_limited());
    settle(key, now);
    if (waiter->queued && is_hopeless(key, *waiter)) answer(waiter, fail(crash_loop()));
    pump(now);
    forget_unused();
}

bool SlotTable::give_up(const SlotWaiterRef& waiter, Time now) {
    if (!waiter->queued) return false;
    auto& key = *waiter->key;
    leave_line(*waiter);
    settle(key, now);
    note_unused(key);
    pump(now);  // those behind may go on
    forget_unused();
    return true;
}

void SlotTable::gave_back(const ContainerRef& container, Time since, bool reusable, Time now) {
    auto& key = *container->key;
    --key.owner->in_use;
    milli_cpus_ -= milli_cpus_of(key);
    key.latest_end = now;
    const auto run_s = seconds(now - since);
    key.mean_run_s = moved(key.mean_run_s.value_or(run_s), run_s);
    if (reusable) {
        key.warm_failures = 0;
        if (LaunchBackoff::is_proven(++container->good_calls, now - container->up_since)) {
            key.backoff.forgive();
        }
    }
    if (!reusable || closing_ || container->exited.is_set() || must_make_way(*container, now)) {
        retire(container);
    } else {
        offer(container, now);
    }
    if (!reusable) died(*container, now);
    settle(key, now);
    note_unused(key);
    pump(now);
    forget_unused();
}

void SlotTable::launched(SlotKey* at, LaunchEnd end, Time now) {
    auto& key = *at;
    --key.starting;
    --key.owner->starting;
    --starting_;
    milli_cpus_ -= milli_cpus_of(key);
    if (end.result) {
        const auto& container = *end.result;
        mean_start_s_ = moved(mean_start_s_, seconds(now - end.begun));
        container->key = &key;
        container->up_since = now;
        container->place = busy_.insert(busy_.end(), container);
        container->key_place = key.busy.insert(key.busy.end(), container);
        note_held_up(key, false);
        if (closing_) {
            retire(container);
        } else {
            // Even one that has exited: the call finds out how, and another would do the same.
            offer(container, now);
        }
    } else {
        if (key.waiters.empty()) warm_failed(key, now);
        if (end.leaves) leave(end.leaves);
        launch_failed(key, end.result.error(), end.begun, now);
    }
    if (end.was_pulling) leave_pull(key.fn->image, now);
    settle(key, now);
    note_unused(key);
    pump(now);
    forget_unused();
}

void SlotTable::removed(const ContainerRef& container, Time now) {
    leaving_mb_ -= container->memory.mb();
    container->memory = {};
    pump(now);
    forget_unused();
}

void SlotTable::exited(const ContainerRef& container, Time now) {
    if (!container->idle) return;  // its call will give it back
    auto& key = *container->key;
    warm_failed(key, now);
    retire(container);
    died(*container, now);
    settle(key, now);
    note_unused(key);
    pump(now);
    forget_unused();
}

void SlotTable::keep_warm(const FnSpecRef& fn, Time now) {
    auto& key = key_of(fn);
    settle(key, now);
    note_unused(key);
    pump(now);
    forget_unused();
}

void SlotTable::forget_warm(const std::string& fn_id, Time now) {
    const auto found = fns_.find(fn_id);
    if (found == fns_.end() || !found->second.warm) return;
    auto& key = *std::exchange(found->second.warm, nullptr);
    settle(key, now);
    note_unused(key);
    forget_unused();
}

void SlotTable::tick(Time now) {
    look_after_idle(now);
    while (!reviews_.empty() && reviews_.begin()->first <= now) {
        auto& key = *reviews_.begin()->second;
        reviews_.erase(reviews_.begin());
        key.review.reset();
        look_back(key, now);
        settle(key, now);
        note_unused(key);
    }
    pump(now);
    forget_unused();
}

void SlotTable::close() {
    closing_ = true;
    for (auto& [name, key] : keys_) {
        while (!key.waiters.empty()) answer_first(key, fail(Errc::shutting_down));
        key.owner->warm = nullptr;
    }
    std::vector<ContainerRef> idle;
    idle_.oldest_first([&](const ContainerRef& container) {
        idle.push_back(container);
        return true;
    });
    for (const auto& container : idle) retire(container);
    actions_.tick_by = Time::min();
}

// --- what there is ---

SlotTable::Time SlotTable::next_tick() const {
    const auto review = reviews_.empty() ? Time::max() : reviews_.begin()->first;
    return std::min(review, idle_.next_due(can_freeze()));
}

CallPhase SlotTable::phase_of(const std::string& slot_key) const {
    const auto found = keys_.find(slot_key);
    if (found == keys_.end() || found->second.starting == 0) return CallPhase::slot;
    return waits_for_pull(found->second) ? CallPhase::pulling : CallPhase::starting;
}

double SlotTable::wait_s(const FnSpec& fn) const {
    constexpr auto unknown = std::numeric_limits<double>::infinity();
    if (closing_) return unknown;
    const auto found = keys_.find(fn.slot_key);
    const auto* key = found == keys_.end() ? nullptr : &found->second;
    const auto owner = fns_.find(fn.fn_id);
    const auto in_line = key ? key->waiters.size() : 0;
    const auto coming = key ? key->starting + key->idle.size() : 0;
    // Those in line for whom nothing starts yet come first.
    const auto ahead = static_cast<std::int64_t>(in_line - std::min(in_line, coming));
    const auto free_mb = memory_.free_mb() + idle_.mb();
    const bool is_room = (ahead + 1) * static_cast<std::int64_t>(fn.container_mb()) <= free_mb;
    const bool may_start = owner == fns_.end() || owner->second.may_start();
    const bool is_one_idle = coming > in_line && key->owner->may_use();
    if (is_one_idle || (is_room && may_start)) return 0;
    if (!key || key->busy.empty() || !key->mean_run_s) return unknown;
    return *key->mean_run_s * static_cast<double>(ahead + 1) /
           static_cast<double>(key->busy.size());
}

Millis SlotTable::launch_pause(const std::string& slot_key) const {
    const auto found = keys_.find(slot_key);
    return found == keys_.end() ? Millis{0} : found->second.backoff.pause();
}

std::optional<std::size_t> SlotTable::use_bound(const std::string& fn_id) const {
    const auto found = fns_.find(fn_id);
    if (found == fns_.end()) return std::nullopt;
    const auto& fn = found->second;
    if (fn.held_up > 0 && fn.in_use == 0) return 0;
    return fn.is_limited() ? std::optional(fn.in_use_max) : std::nullopt;
}

// --- callers and containers ---

SlotKey& SlotTable::key_of(const FnSpecRef& fn) {
    auto& key = keys_[fn->slot_key];
    if (key.fn == fn) return key;
    if (!key.owner) {
        key.owner = &fns_[fn->fn_id];
        ++key.owner->keys;
    }
    // A setting that is not part of the slot key has changed, or this is a new one.
    key.fn = fn;
    auto& owner = *key.owner;
    owner.in_use_max = static_cast<std::size_t>(std::max(0, fn->max_concurrency));
    owner.warm = fn->min_idle > 0 && !closing_ ? &key : nullptr;
    return key;
}

bool SlotTable::is_unused(const SlotKey& key) {
    return key.waiters.empty() && key.alive() == 0 && key.starting == 0 && !key.in_ring &&
           key.owner->warm != &key && !key.backoff.has_deaths();
}

void SlotTable::note_unused(SlotKey& key) {
    if (key.in_unused || !is_unused(key)) return;
    key.in_unused = true;
    unused_.push_back(&key);
}

/// At the end of an event, when nobody looks at them any more.
void SlotTable::forget_unused() {
    for (auto* key : unused_) {
        key->in_unused = false;
        if (!is_unused(*key)) continue;
        auto& owner = *key->owner;
        if (key->review) reviews_.erase(*key->review);
        if (key->held_as) owner.held.erase(*key->held_as);
        if (key->in_warm_list) std::erase(warm_list_, key);
        if (key->is_active) --active_;
        if (key->is_held_up) --owner.held_up;
        if (const auto pull = pulls_.find(key->fn->image); pull != pulls_.end()) {
            pull->second.behind.erase(key);
        }
        const auto fn = key->fn;
        if (--owner.keys == 0) fns_.erase(fn->fn_id);
        keys_.erase(fn->slot_key);
    }
    unused_.clear();
}

void SlotTable::leave_line(SlotWaiter& waiter) {
    waiter.queued = false;
    --waiting_;
    count_held_up(waiter, false);
    waiter.key->waiters.erase(waiter.place);
}

void SlotTable::answer_first(SlotKey& key, Result<ContainerRef> with) {
    answer(key.waiters.front(), std::move(with));
}

void SlotTable::answer(SlotWaiterRef waiter, Result<ContainerRef> with) {
    leave_line(*waiter);
    actions_.handovers.push_back({std::move(waiter), std::move(with)});
}

void SlotTable::take(const ContainerRef& container) {
    auto& key = *container->key;
    if (container->idle) {
        idle_.remove(container, busy_);
        key.busy.splice(key.busy.end(), key.idle, container->key_place);
    }
    ++key.owner->in_use;
    milli_cpus_ += milli_cpus_of(key);
}

void SlotTable::hand_over(SlotKey& key, const ContainerRef& container) {
    take(container);
    answer_first(key, container);
}

void SlotTable::offer(const ContainerRef& container, Time now) {
    auto& key = *container->key;
    auto& owner = *key.owner;
    if (owner.is_limited() || !owner.held.empty()) {
        // Whose turn it is, is decided among all keys of the function.
        const auto idle_before = std::exchange(container->idle_since, now);
        rest(container, now);
        hold(key);
        settle_limited(owner, now);
        if (!container->idle) container->idle_since = idle_before;
    } else if (!key.waiters.empty()) {
        hand_over(key, container);
    } else {
        rest(container, now);
    }
    if (!container->idle) return;
    if (container->exited.is_set()) {
        warm_failed(key, now);
        retire(container);
        died(*container, now);
    } else if (key.fn->format == FnFormat::cold) {
        retire(container);
    } else {
        actions_.tick_by = std::min(actions_.tick_by, idle_.first_due(*container));
    }
}

void SlotTable::leave(const ContainerRef& container) {
    leaving_mb_ += container->memory.mb();
    container->retired = true;
    actions_.removals.push_back(container);
}

void SlotTable::retire(const ContainerRef& container) {
    auto& key = *container->key;
    leave(container);
    if (container->idle) {
        idle_.remove(container, busy_);
        key.idle.erase(container->key_place);
    } else {
        key.busy.erase(container->key_place);
    }
    busy_.erase(container->place);
}

/// After anything that may let callers of the key go on.
void SlotTable::settle(SlotKey& key, Time now) {
    note_warm(key);
    if (closing_) return;
    auto& owner = *key.owner;
    if (owner.is_limited() || !owner.held.empty()) {
        hold(key);
        settle_limited(owner, now);
    } else {
        while (!key.waiters.empty() && !key.idle.empty()) hand_over(key, key.idle.back());
        ask(key, now);
    }
    note_active(key);
}

/// Its keys in the order of their first callers, as far as max_concurrency goes. What is starting
/// or asked for on behalf of an older caller is not given to a younger one.
void SlotTable::settle_limited(SlotFn& fn, Time now) {
    const auto unused = [&fn] {
        return fn.is_limited() ? fn.in_use_max - std::min(fn.in_use, fn.in_use_max) : SIZE_MAX;
    };
    auto free = unused();
    for (auto next = fn.held.begin(); next != fn.held.end() && free > 0;) {
        auto& key = *next->second;
        if (!key.idle.empty()) {
            hand_over(key, key.idle.back());
            hold(key);
            note_active(key);
            next = fn.held.begin();  // it may stand elsewhere now
            free = unused();
            continue;
        }
        ++next;
        const auto going_to_be_used = fn.in_use + fn.starting + fn.asking;
        if (!fn.is_limited() || going_to_be_used < fn.in_use_max) ask(key, now);
        const auto reserved = key.starting + (key.in_ring ? 1 : 0);
        free -= std::min({free, reserved, key.waiters.size()});
        if (!fn.is_limited()) {
            fn.held.erase(*key.held_as);
            key.held_as.reset();
        }
    }
}

void SlotTable::hold(SlotKey& key) {
    auto& held = key.owner->held;
    const auto turn = key.waiters.empty() ? std::optional<std::uint64_t>{}
                                          : std::optional(key.waiters.front()->turn);
    if (key.held_as == turn) return;
    if (key.held_as) held.erase(*key.held_as);
    key.held_as = turn;
    if (turn) held.emplace(*turn, &key);
}

void SlotTable::note_held_up(SlotKey& key, bool is_held_up) {
    if (is_held_up == key.is_held_up) return;
    key.is_held_up = is_held_up;
    auto& owner = *key.owner;
    if (is_held_up) {
        ++owner.held_up;
    } else {
        --owner.held_up;
    }
    for (const auto& waiter : key.waiters) {
        count_held_up(*waiter, is_held_up || owner.is_limited());
    }
}

void SlotTable::count_held_up(SlotWaiter& waiter, bool is_held_up) {
    if (is_held_up == waiter.is_held_up || !waiter.is_claimed) return;
    waiter.is_held_up = is_held_up;
    if (is_held_up) {
        ++waiting_held_up_;
    } else {
        --waiting_held_up_;
    }
}

void SlotTable::note_active(SlotKey& key) {
    const bool is_active = !key.waiters.empty() || !key.busy.empty() || key.starting > 0;
    if (is_active == key.is_active) return;
    key.is_active = is_active;
    if (is_active) {
        ++active_;
    } else {
        --active_;
    }
}

}  // namespace stoker
