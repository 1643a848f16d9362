// The part of SlotTable that decides what is started next, and for whom memory is made free. The
// keys that want a launch stand in a ring. The first in turn gets what is free; for those for whom
// too little is free, room is made from idle containers of other keys. Who has waited for memory
// longer than `fair_after` and has less than its share gets it from containers that are given back.

#include <fmt/format.h>

#include <algorithm>

#include "worker/launch_errors.hpp"
#include "worker/slot_table.hpp"

namespace stoker {

namespace {

/// Of the keys that want a launch, how many are looked at in one go.
constexpr std::size_t ring_looked_at_max = 64;
/// For how long memory is kept back from others for a key that waits for calls to end. Doubled each
/// time it was in vain: long calls end, too.
constexpr std::chrono::seconds saving_first{60};
constexpr std::chrono::seconds saving_most{7'200};

}  // namespace

std::optional<SlotTable::Time> SlotTable::launch_due(const SlotKey& key) const {
    auto due = stoker::launch_due(demand_of(key), policy_);
    if (due) due = std::max(*due, key.backoff.next_launch());
    return due;
}

Demand SlotTable::demand_of(const SlotKey& key) const {
    return {
        .waiting = key.waiters.size(),
        .starting = key.starting,
        .alive = key.alive(),
        .mean_run_s = key.mean_run_s,
        .mean_start_s = mean_start_s_,
        .waiting_since = key.waiting_since,
        .latest_end = key.latest_end,
        .latest_launch = key.latest_launch,
        .behind_since = key.behind_since
    };
}

std::string SlotTable::reason_of(const std::string& slot_key) const {
    const auto found = keys_.find(slot_key);
    if (found == keys_.end()) return {};
    const auto& key = found->second;
    if (key.waiters.empty() || key.starting > 0) return {};
    const auto& fn = *key.owner;
    if (!fn.may_use()) {
        return fmt::format("the limit of its function: {} of {} run", fn.in_use, fn.in_use_max);
    }
    if (key.backoff.is_on() && key.alive() == 0) {
        return fmt::format(
            "containers of its function keep ending before they serve: one starts in {} ms",
            key.backoff.pause().count()
        );
    }
    const auto free_mb = memory_.free_mb() + idle_.mb();
    if (key.container_mb() > free_mb) {
        return fmt::format("memory: {} MB needed, {} MB free", key.container_mb(), free_mb);
    }
    if (exceeds_cpus(key)) return "processors: all are in use";
    if (key.busy.empty()) return {};
    return fmt::format(
        "a container of its function: {} busy, {} calls wait", key.busy.size(), key.waiters.size()
    );
}

void SlotTable::ask(SlotKey& key, Time now) {
    if (!is_behind(demand_of(key))) {
        key.behind_since.reset();
    } else if (!key.behind_since) {
        key.behind_since = now;
    }
    if (key.in_ring || closing_ || !key.idle.empty()) return;
    const auto due = launch_due(key);
    if (!due) return;
    if (waits_for_pull(key)) {
        pulls_.at(key.fn->image).behind.insert(&key);
        note_held_up(key, key.alive() == 0);
        return;
    }
    if (*due > now) {
        if (key.backoff.is_on()) note_held_up(key, key.alive() == 0);
        review_at(key, *due);
        return;
    }
    key.in_ring = true;
    ++key.owner->asking;
    ring_.push_back(&key);
}

bool SlotTable::wants_launch(const SlotKey& key, Time now) const {
    // One with an idle container waits for its turn among the keys of its function.
    if (!key.owner->may_start() || !key.idle.empty() || waits_for_pull(key)) return false;
    const auto due = launch_due(key);
    return due && *due <= now;
}

/// A soft limit: whoever has no container yet gets one all the same, so that no call waits for CPU
/// that others keep busy.
bool SlotTable::exceeds_cpus(const SlotKey& key) const {
    const auto more = milli_cpus_of(key);
    if (more == 0 || policy_.milli_cpus == 0 || key.alive() + key.starting == 0) return false;
    return milli_cpus_ + more > policy_.milli_cpus;
}

void SlotTable::pump(Time now) {
    std::int64_t spoken_for_mb = 0;  // by keys for which room is being made
    std::size_t going_to_start = starting_ - pulling_;
    bool is_kept_back = false;
    overdue_mb_ = 0;
    overdue_for_ = nullptr;
    std::size_t at = 0;
    auto looks = ring_looked_at_max;
    for (auto unseen = ring_.size(); unseen > 0 && looks > 0; --unseen) {
        if (going_to_start >= policy_.start_max || closing_) return;
        auto& key = *ring_[at];
        if (!wants_launch(key, now)) {
            leave_ring(at);
            const auto before = ring_.size();
            settle(key, now);  // it may want one later, and others of its function may go on
            unseen += ring_.size() - before;
            note_unused(key);
            continue;  // at no cost to those behind it
        }
        --looks;
        if (exceeds_cpus(key)) {
            to_end_of_ring(at);
            continue;
        }
        const auto needed_mb = key.container_mb();
        auto token = is_kept_back ? std::nullopt : memory_.try_take(needed_mb);
        if (token) {
            begin_launch(key, std::move(*token), now);
            ++going_to_start;
            to_end_of_ring(at);
            if (wants_launch(key, now)) ++unseen;
            continue;
        }
        note_short(key, now);
        if (make_room(key, spoken_for_mb + needed_mb, now)) {
            spoken_for_mb += needed_mb;
            ++going_to_start;
            is_kept_back |= is_overdue(key, now) && is_entitled(key);
        }
        if (is_entitled(key)) {
            ++at;
        } else {
            to_end_of_ring(at);  // it has its share already: it must not be in the way
        }
    }
    warm_up(now);
}

void SlotTable::leave_ring(std::size_t at) {
    auto& key = *ring_[at];
    ring_.erase(ring_.begin() + static_cast<std::ptrdiff_t>(at));
    key.in_ring = false;
    --key.owner->asking;
    key.short_since.reset();
}

void SlotTable::to_end_of_ring(std::size_t at) {
    auto* key = ring_[at];
    ring_.erase(ring_.begin() + static_cast<std::ptrdiff_t>(at));
    ring_.push_back(key);
}

void SlotTable::begin_launch(SlotKey& key, MemoryTokens::Token memory, Time now) {
    ++key.starting;
    ++key.owner->starting;
    ++starting_;
    milli_cpus_ += milli_cpus_of(key);
    // One launch for each such stretch of waiting.
    key.waiting_since = key.latest_launch = now;
    key.backoff.launched(now);
    key.short_since.reset();
    key.saving_max = saving_first;
    note_active(key);
    actions_.launches.push_back({&key, key.fn, std::move(memory)});
}

// --- how launches go on ---

void SlotTable::pull_began(SlotKey* key, Time now) {
    ++pulls_[key->fn->image].launches;
    ++pulling_;
    note_held_up(*key, key->alive() == 0);
    pump(now);
    forget_unused();
}

void SlotTable::pull_ended(SlotKey* key, Time now) {
    leave_pull(key->fn->image, now);
    pump(now);
    forget_unused();
}

void SlotTable::leave_pull(const std::string& image, Time now) {
    --pulling_;
    const auto pull = pulls_.find(image);
    if (--pull->second.launches > 0) return;
    const auto behind = std::move(pull->second.behind);
    pulls_.erase(pull);
    for (auto* key : behind) {
        note_held_up(*key, false);
        settle(*key, now);
        note_unused(*key);
    }
}

/// The caller that waited longest hears of it; all whom another launch would not help, either.
void SlotTable::launch_failed(SlotKey& key, const Error& error, Time begun, Time now) {
    note_held_up(key, key.alive() == 0);
    if (concerns_image(error.code)) {
        answer_all(key, error);
        const auto pull = pulls_.find(key.fn->image);
        if (pull == pulls_.end()) return;
        const auto behind = pull->second.behind;  // settling may add others
        for (auto* other : behind) {
            answer_all(*other, error);
            settle(*other, now);
            note_unused(*other);
        }
    } else if (error.code == Errc::impossible_memory) {
        answer_all(key, error);
    } else if (!key.waiters.empty()) {
        answer_first(key, fail(error));
    }
    if (is_fault_of_function(error.code)) note_death(key, begun, now);
}

void SlotTable::answer_all(SlotKey& key, const Error& error) {
    while (!key.waiters.empty()) answer_first(key, fail(error));
}

// --- containers that die young ---

/// After it has been retired.
void SlotTable::died(const Container& container, Time now) {
    // One that serves a single call has died as it should.
    if (container.is_cold() || container.killed) return;
    if (LaunchBackoff::is_proven(container.good_calls, now - container.up_since)) return;
    note_death(*container.key, container.up_since, now);
}

void SlotTable::note_death(SlotKey& key, Time born, Time now) {
    key.backoff.died_young(born, now);
    review_at(key, key.backoff.forgiven_at());
    answer_hopeless(key);
}

/// It would have to give up before the next container is so much as started.
bool SlotTable::is_hopeless(const SlotKey& key, const SlotWaiter& waiter) {
    return key.backoff.is_on() && key.alive() + key.starting == 0 &&
           waiter.waits_until <= key.backoff.next_launch();
}

void SlotTable::answer_hopeless(SlotKey& key) {
    for (auto next = key.waiters.begin(); next != key.waiters.end();) {
        auto waiter = *next++;
        if (is_hopeless(key, *waiter)) answer(std::move(waiter), fail(crash_loop()));
    }
}

/// Whether what died is long ago; asked at that time or before.
void SlotTable::look_back(SlotKey& key, Time now) {
    if (!key.backoff.has_deaths()) return;
    if (now >= key.backoff.forgiven_at()) {
        key.backoff.forgive();
    } else {
        review_at(key, key.backoff.forgiven_at());
    }
}

// --- memory ---

void SlotTable::note_short(SlotKey& key, Time now) {
    if (!key.short_since) {
        key.short_since = now;
        key.saving_max = std::max(key.saving_max, saving_first);
    }
    const auto overdue_at = *key.short_since + policy_.fair_after;
    if (now < overdue_at) {
        review_at(key, overdue_at);
    } else if (now < overdue_at + key.saving_max) {
        review_at(key, overdue_at + key.saving_max);
    } else {
        key.short_since = now + key.saving_max;  // meanwhile the others go on
        key.saving_max = std::min(2 * key.saving_max, saving_most);
    }
}

bool SlotTable::is_overdue(const SlotKey& key, Time now) const {
    return key.short_since && now >= *key.short_since + policy_.fair_after;
}

std::int64_t SlotTable::fair_share_mb() const {
    return memory_.total_mb() / static_cast<std::int64_t>(std::max<std::size_t>(1, active_));
}

/// To memory that others use: whoever has nothing, or would still not have more than its share.
bool SlotTable::is_entitled(const SlotKey& key) const {
    return key.mb() == 0 || key.mb() + key.container_mb() <= fair_share_mb();
}

std::int64_t SlotTable::lacking_mb(std::int64_t wanted_mb) const {
    return wanted_mb - memory_.free_mb() - leaving_mb_;
}

/// True when that much will be free without anybody else's doing, or is being collected.
bool SlotTable::make_room(SlotKey& key, std::int64_t wanted_mb, Time now) {
    const auto lacking = lacking_mb(wanted_mb);
    if (lacking <= 0) return true;
    const auto own_idle_mb = key.container_mb() * static_cast<std::int64_t>(key.idle.size());
    const bool is_enough = idle_.mb() - own_idle_mb >= lacking;
    const bool collects = is_overdue(key, now) && is_entitled(key);
    if (!is_enough && !collects) return false;  // evicting some would help nobody
    evict(key, lacking);
    overdue_mb_ = std::max(overdue_mb_, lacking_mb(wanted_mb));
    if (overdue_mb_ > 0 && !overdue_for_) overdue_for_ = &key;
    return true;
}

/// Oldest idle first, no more than needed; those that are kept warm only after all others.
void SlotTable::evict(const SlotKey& wanting, std::int64_t lacking_mb) {
    std::vector<ContainerRef> victims;
    std::vector<ContainerRef> warm;
    idle_.oldest_first([&](const ContainerRef& container) {
        const auto& key = *container->key;
        if (&key == &wanting) return true;
        if (key.owner->warm == &key) {
            warm.push_back(container);
            return true;
        }
        victims.push_back(container);
        lacking_mb -= container->memory.mb();
        return lacking_mb > 0;
    });
    for (std::size_t i = 0; i < warm.size() && lacking_mb > 0; ++i) {
        victims.push_back(warm[i]);
        lacking_mb -= warm[i]->memory.mb();
    }
    for (const auto& victim : victims) {
        auto& key = *victim->key;
        retire(victim);
        note_warm(key);
        note_unused(key);
    }
}

/// Whether a container that is given back is taken from its key for one that has waited too long:
/// while there are enough others of it, or after it has served for a while.
bool SlotTable::must_make_way(const Container& container, Time now) const {
    if (overdue_mb_ <= 0) return false;
    const auto& key = *container.key;
    if (&key == overdue_for_) return false;
    const bool has_more = key.mb() - key.container_mb() >= fair_share_mb();
    return has_more || now - container.up_since >= policy_.fair_after;
}

void SlotTable::review_at(SlotKey& key, Time at) {
    if (key.review) {
        if ((*key.review)->first <= at) return;
        reviews_.erase(*key.review);
    }
    key.review = reviews_.emplace(at, &key);
    actions_.tick_by = std::min(actions_.tick_by, at);
}

}  // namespace stoker
