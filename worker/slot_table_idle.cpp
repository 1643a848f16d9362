// The part of SlotTable that looks after containers without a call: frozen soon after the last one,
// removed when nobody used them for their idle timeout, and started ahead of calls where a function
// is to be kept warm.

#include <algorithm>

#include "worker/slot_table.hpp"

namespace stoker {

namespace {

/// An engine that does the freezing takes tens of milliseconds each; it is not asked for all that
/// a burst leaves behind at once.
constexpr std::size_t freezing_max = 8;
/// Of the keys to be kept warm, how many are looked at in one go.
constexpr std::size_t warm_looked_at_max = 64;
/// Between launches of containers to keep warm that fail or die without a call.
constexpr std::chrono::seconds warm_pause_max{60};

}  // namespace

void SlotTable::rest(const ContainerRef& container, Time now) {
    auto& key = *container->key;
    idle_.add(container, busy_, now);
    key.idle.splice(key.idle.end(), key.busy, container->key_place);
}

bool SlotTable::can_freeze() const { return freezing_ < freezing_max && !closing_; }

void SlotTable::look_after_idle(Time now) {
    while (const auto container = idle_.expired(now)) {
        auto& key = *container->key;
        if (is_kept_warm(key)) {
            idle_.remove(container, busy_);
            idle_.add(container, busy_, now);
            continue;
        }
        retire(container);
        settle(key, now);
        note_unused(key);
    }
    while (can_freeze()) {
        auto container = idle_.take_freezable(now);
        if (!container) return;
        ++freezing_;
        actions_.freezes.push_back(std::move(container));
    }
}

void SlotTable::engine_came_back(Time now) {
    idle_.all_awake();
    look_after_idle(now);
    actions_.tick_by = std::min(actions_.tick_by, idle_.next_due(can_freeze()));
    pump(now);
    forget_unused();
}

void SlotTable::froze(const ContainerRef& container, bool frozen, Time now) {
    --freezing_;
    idle_.froze(container, frozen);
    actions_.tick_by = std::min(actions_.tick_by, idle_.next_due(can_freeze()));
    if (frozen || !container->idle) return;  // whoever uses it finds out
    auto& key = *container->key;
    retire(container);
    settle(key, now);
    note_unused(key);
    pump(now);
    forget_unused();
}

// --- kept warm ---

bool SlotTable::is_kept_warm(const SlotKey& key) const {
    return key.owner->warm == &key && key.alive() <= static_cast<std::size_t>(key.fn->min_idle);
}

std::vector<std::string> SlotTable::warm_fns() const {
    std::vector<std::string> fn_ids;
    for (const auto& [fn_id, fn] : fns_) {
        if (fn.warm) fn_ids.push_back(fn_id);
    }
    return fn_ids;
}

void SlotTable::note_warm(SlotKey& key) {
    if (key.in_warm_list || closing_ || key.owner->warm != &key) return;
    if (key.alive() + key.starting >= static_cast<std::size_t>(key.fn->min_idle)) return;
    key.in_warm_list = true;
    warm_list_.push_back(&key);
}

/// Only with memory that nobody waits for.
void SlotTable::warm_up(Time now) {
    if (!ring_.empty() || closing_) return;
    auto looks = std::min(warm_list_.size(), warm_looked_at_max);
    for (; looks > 0 && !warm_list_.empty(); --looks) {
        if (starting_ - pulling_ >= policy_.start_max) return;
        auto& key = *warm_list_.front();
        warm_list_.pop_front();
        key.in_warm_list = false;
        if (waits_for_pull(key)) {
            pulls_.at(key.fn->image).behind.insert(&key);
            continue;
        }
        if (now < key.warm_not_before) {
            review_at(key, key.warm_not_before);  // which settles it
            continue;
        }
        const bool is_short =
            key.owner->warm == &key &&
            key.alive() + key.starting < static_cast<std::size_t>(key.fn->min_idle);
        if (is_short) {
            auto token = memory_.try_take(key.container_mb());
            if (token) {
                begin_launch(key, std::move(*token), now);
                ++looks;  // it may want more
            }
            note_warm(key);
        }
        note_unused(key);
    }
}

void SlotTable::warm_failed(SlotKey& key, Time now) {
    const std::chrono::seconds pause(1U << std::min(key.warm_failures, 6U));
    ++key.warm_failures;
    key.warm_not_before = now + std::min(pause, warm_pause_max);
}

}  // namespace stoker
