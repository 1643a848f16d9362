#include "tests/worker/slot_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace stoker::test {

namespace {

constexpr std::size_t freezing_max = 8;

}  // namespace

SlotWorld::SlotWorld(const SlotWorldOptions& options) :
    options_(options),
    random_(options.seed),
    memory_(options.total_mb),
    table_(memory_, options.policy, options.freeze_after) {}

SlotWorld::~SlotWorld() {
    agenda_.clear();
    containers_.clear();
}

void SlotWorld::require(bool holds, const char* promise) const {
    if (holds) return;
    throw std::runtime_error(
        fmt::format("seed {} at {} ms: {}", options_.seed, now().count(), promise)
    );
}

void SlotWorld::at(Millis time, std::function<void()> event) {
    agenda_.emplace(Time{} + time, std::move(event));
}

void SlotWorld::after(Millis pause, std::function<void()> event) {
    agenda_.emplace(now_ + pause, std::move(event));
}

void SlotWorld::event(const std::function<void(SlotTable&, Time)>& change) {
    change(table_, now_);
    carry_out(table_.take_actions());
    check();
}

void SlotWorld::run_until(Millis end) {
    for (;;) {
        const auto own = agenda_.empty() ? Time::max() : agenda_.begin()->first;
        const auto tick = table_.is_closing() ? Time::max() : table_.next_tick();
        const auto next = std::min(own, tick);
        if (next == Time::max() || next > Time{} + end) return;
        now_ = std::max(now_, next);
        if (own <= tick) {
            const auto what = std::move(agenda_.begin()->second);
            agenda_.erase(agenda_.begin());
            what();
        } else {
            event([](SlotTable& table, Time now) { table.tick(now); });
        }
    }
}

void SlotWorld::call(const FnSpecRef& fn, std::function<void()> then, Time waits_until) {
    if (table_.is_closing()) return;
    ++counts_.calls;
    auto caller = std::make_shared<Caller>(fn, false, waits_until);
    caller->since = now_;
    caller->then = std::move(then);
    keys_[fn->slot_key].fn = fn;
    fns_[fn->fn_id].fn = fn;
    if (auto idle = table_.take_idle(fn)) {
        --keys_[fn->slot_key].idle;
        caller->waits = false;
        begin_run(idle, caller);
        return check();
    }
    ++waiting_;
    ++keys_[fn->slot_key].waiting;
    if (chance(options_.caller_gives_up)) {
        after(up_to(Millis{3'000}), [this, caller] { gives_up(caller); });
    }
    if (waits_until < Time::max()) {
        agenda_.emplace(waits_until, [this, caller] { gives_up(caller); });
    }
    event([&](SlotTable& table, Time now) {
        table.want(caller, now);
        // It may be answered in the same event, which carry_out() tells.
        keys_[fn->slot_key].turns.insert(caller->turn);
    });
}

void SlotWorld::gives_up(const CallerRef& caller) {
    if (!caller->waits) return;
    event([&](SlotTable& table, Time now) {
        require(table.give_up(caller, now), "who waits can give up");
        stops_waiting(*caller);
    });
    ++counts_.gave_up;
    caller->then();
}

void SlotWorld::stops_waiting(Caller& caller) {
    require(caller.waits, "a caller is answered once");
    caller.waits = false;
    --waiting_;
    auto& key = keys_[caller.fn->slot_key];
    --key.waiting;
    key.turns.erase(caller.turn);
    const auto waited = std::chrono::duration_cast<Millis>(now_ - caller.since);
    counts_.longest_wait = std::max(counts_.longest_wait, waited);
    if (caller.fn->fn_id != options_.bad_fn) {
        counts_.longest_good_wait = std::max(counts_.longest_good_wait, waited);
    }
}

void SlotWorld::carry_out(SlotTable::Actions actions) {
    for (const auto& container : actions.freezes) freeze(container);
    for (auto& [waiter, answer] : actions.handovers) {
        answered(std::static_pointer_cast<Caller>(waiter), std::move(answer));
    }
    for (const auto& container : actions.removals) remove(container);
    for (auto& next : actions.launches) launch(std::move(next));
}

void SlotWorld::answered(const CallerRef& caller, Result<ContainerRef> answer) {
    auto& key = keys_[caller->fn->slot_key];
    const bool gave_up = !answer && answer.error().code == Errc::server_busy;
    counts_.told_of_crash_loop += gave_up ? 1 : 0;
    require(gave_up || *key.turns.begin() == caller->turn, "first come, first served");
    stops_waiting(*caller);
    if (!answer) {
        ++counts_.failed;
        after(Millis{0}, caller->then);
        return;
    }
    begin_run(*answer, caller);
}

void SlotWorld::begin_run(const ContainerRef& container, const CallerRef& caller) {
    require(container->fn->slot_key == caller->fn->slot_key, "keys do not share containers");
    require(!container->retired, "what goes is not given out");
    require(!std::exchange(containers_.at(container), true), "one call at a time in a container");
    auto& fn = fns_[caller->fn->fn_id];
    ++fn.in_use;
    const auto limit = static_cast<std::size_t>(fn.fn->max_concurrency);
    require(limit == 0 || fn.in_use <= limit, "max_concurrency holds");
    ++counts_.ran;
    if (container->rest == Rest::frozen) thaw(container);
    require(
        (container->rest == Rest::freezing) == freezing_.contains(container),
        "what is given out is awake, or known to be frozen"
    );
    const auto takes = until_frozen(container) + up_to(options_.run_max);
    after(takes, [this, container, caller, since = now_] { end_run(container, since, caller); });
}

void SlotWorld::end_run(const ContainerRef& container, Time since, const CallerRef& caller) {
    containers_.at(container) = false;
    --fns_[container->fn->fn_id].in_use;
    const bool is_bad = container->fn->fn_id == options_.bad_fn;
    const bool reusable = !is_bad && !chance(options_.container_dies);
    event([&](SlotTable& table, Time now) { table.gave_back(container, since, reusable, now); });
    if (chance(options_.container_dies)) {
        after(up_to(Millis{2'000}), [this, container] {
            container->exited.set(ExitStatus{});
            event([&](SlotTable& table, Time now) { table.exited(container, now); });
        });
    }
    caller->then();
}

void SlotWorld::launch(SlotTable::Launch launch) {
    ++counts_.launches;
    ++starting_;
    held_mb_ += launch.memory.mb();
    require(launch.memory.mb() == launch.key->container_mb(), "memory and /tmp both count");
    auto& key = keys_[launch.fn->slot_key];
    ++key.starting;
    ++fns_[launch.fn->fn_id].starting;
    const auto warm = static_cast<std::size_t>(launch.fn->min_idle);
    require(key.starting <= key.waiting + warm, "never more starting than waiting");
    require(starting_ <= options_.policy.start_max, "never more than start_max starting");
    require(!pulls_.contains(launch.fn->image), "no launch joins a pull");
    check_pause(*launch.fn);
    auto held = std::make_shared<SlotTable::Launch>(std::move(launch));
    if (!chance(options_.image_absent)) return start(held);
    after(up_to(Millis{5}), [this, held] { pull_and_start(held); });
}

/// Those of a key whose containers keep dying young are paced.
void SlotWorld::check_pause(const FnSpec& fn) {
    if (fn.fn_id == options_.bad_fn) ++counts_.bad_launches;
    auto& key = keys_[fn.slot_key];
    const auto pause = table_.launch_pause(fn.slot_key);
    const bool is_warm = fn.min_idle > 0;  // those have a pace of their own
    const bool is_paced = pause == Millis{0} || now_ - key.latest_launch >= key.pause;
    require(is_warm || is_paced, "no launch within the pause");
    key.latest_launch = now_;
    key.pause = pause;
}

void SlotWorld::pull_and_start(const LaunchRef& launch) {
    ++counts_.pulls;
    ++pulls_[launch->fn->image];
    ++pulling_;
    --starting_;
    event([&](SlotTable& table, Time now) { table.pull_began(launch->key, now); });
    after(up_to(options_.pull_max), [this, launch] {
        if (--pulls_[launch->fn->image] == 0) pulls_.erase(launch->fn->image);
        --pulling_;
        ++starting_;
        if (chance(options_.launch_fails)) {
            return launched(launch, Errc::image_not_found, now_, true);
        }
        event([&](SlotTable& table, Time now) { table.pull_ended(launch->key, now); });
        start(launch);
    });
}

void SlotWorld::start(const LaunchRef& launch) {
    after(up_to(options_.launch_max) + Millis{1}, [this, launch, begun = now_] {
        launched(launch, Errc::init_failed, begun, false);
    });
}

void SlotWorld::launched(const LaunchRef& launch, Errc failure, Time begun, bool was_pulling) {
    --starting_;
    --keys_[launch->fn->slot_key].starting;
    --fns_[launch->fn->fn_id].starting;
    SlotTable::LaunchEnd end{fail(failure), begun, was_pulling};
    const bool has_failed = was_pulling || chance(options_.launch_fails);
    if (has_failed && (was_pulling || chance(0.5))) {
        held_mb_ -= launch->memory.mb();
        launch->memory = {};
    } else {
        auto container = std::make_shared<Container>(
            "c", launch->fn, nowhere_.get_executor(), std::move(launch->memory)
        );
        if (has_failed) {
            end.leaves = container;
        } else {
            containers_.emplace(container, false);
            end.result = container;
        }
    }
    event([&](SlotTable& table, Time now) { table.launched(launch->key, std::move(end), now); });
}

void SlotWorld::freeze(const ContainerRef& container) {
    ++counts_.freezes;
    require(!containers_.at(container), "what is in use is not frozen");
    const auto takes = up_to(options_.freeze_max);
    require(freezing_.emplace(container, now_ + takes).second, "one freeze at a time");
    after(takes, [this, container] {
        freezing_.erase(container);
        const bool frozen = !chance(options_.freeze_fails);
        event([&](SlotTable& table, Time now) { table.froze(container, frozen, now); });
        const auto found = containers_.find(container);
        if (found != containers_.end() && found->second) thaw(container);
    });
}

/// Who is given a container, or removes it, waits for a freeze under way.
Millis SlotWorld::until_frozen(const ContainerRef& container) const {
    const auto found = freezing_.find(container);
    if (found == freezing_.end()) return Millis{0};
    return std::chrono::duration_cast<Millis>(found->second - now_);
}

void SlotWorld::thaw(const ContainerRef& container) {
    ++counts_.thaws;
    container->rest = Rest::awake;
}

void SlotWorld::remove(const ContainerRef& container) {
    ++counts_.removals;
    if (const auto found = containers_.find(container); found != containers_.end()) {
        require(!found->second, "what is in use is not removed");
        containers_.erase(found);
    }
    after(until_frozen(container) + up_to(options_.remove_max), [this, container] {
        held_mb_ -= container->memory.mb();
        event([&](SlotTable& table, Time now) { table.removed(container, now); });
    });
}

void SlotWorld::close() {
    event([](SlotTable& table, Time) { table.close(); });
}

void SlotWorld::check() {
    require(memory_.used_mb() == held_mb_, "no memory is lost or counted twice");
    require(held_mb_ >= 0 && held_mb_ <= memory_.total_mb(), "memory stays within its total");
    require(table_.starting() == starting_ + pulling_, "what is starting is counted");
    require(table_.waiting() == waiting_, "who waits is counted");
    for (auto& [name, key] : keys_) key.idle = 0;
    std::size_t in_use = 0;
    for (const auto& [container, used] : containers_) {
        in_use += used ? 1 : 0;
        if (container->idle) ++keys_[container->fn->slot_key].idle;
        require(container->idle != used, "a container is in use or idle");
    }
    require(table_.busy() == in_use, "what is in use is counted");
    const auto frozen = std::ranges::count_if(containers_, [](const auto& one) {
        return one.first->idle && one.first->rest == Rest::frozen;
    });
    require(table_.frozen() == static_cast<std::size_t>(frozen), "what is frozen is counted");
    require(freezing_.size() <= freezing_max, "never more than a few are being frozen");
    std::map<std::string, std::uint64_t> first_turns;
    for (const auto& [name, key] : keys_) {
        if (key.turns.empty()) continue;
        auto& first = first_turns.emplace(key.fn->fn_id, UINT64_MAX).first->second;
        first = std::min(first, *key.turns.begin());
    }
    for (const auto& [name, key] : keys_) {
        if (key.turns.empty() || key.idle == 0) continue;
        const auto& fn = fns_[key.fn->fn_id];
        const auto limit = static_cast<std::size_t>(fn.fn->max_concurrency);
        const bool is_first = first_turns.at(key.fn->fn_id) == *key.turns.begin();
        const bool may_wait = limit > 0 && (!is_first || fn.in_use >= limit);
        require(may_wait, "an idle slot leaves nobody waiting");
    }
}

}  // namespace stoker::test
