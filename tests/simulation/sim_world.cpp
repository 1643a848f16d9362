#include "tests/simulation/sim_world.hpp"

#include <algorithm>
#include <numeric>

namespace stoker::test {

namespace {

constexpr int calls = 24;
constexpr int faults = 18;
constexpr Millis load_ends{60'000};
constexpr Millis faults_end{80'000};
constexpr Millis healed_at{100'000};
/// What the knobs add up to (lease, grace, slack, visibility, drain), with room for a few rounds.
constexpr Millis quiet_within{300'000};

/// Functions that differ in what they need and in how often they may be tried.
std::vector<FnEntryRef> make_fns(SimStore& store) {
    std::vector<FnEntryRef> fns;
    for (const int max_attempts : {1, 2, 3, 5}) {
        auto entry = std::make_shared<FnEntry>();
        auto& fn = entry->fn;
        fn.id = "fn-" + std::to_string(max_attempts);
        fn.app_id = "app";
        fn.retry.max_attempts = max_attempts;
        if (max_attempts >= 3) {
            fn.retry.on.add(RetryOutcome::error).add(RetryOutcome::timeout);
            fn.retry.cap_ms = 8'000;
        }
        fn.memory = max_attempts == 5 ? 512 : 128;
        auto spec = std::make_shared<FnSpec>();
        spec->fn_id = spec->slot_key = fn.id;
        spec->memory_mb = fn.memory;
        entry->spec = spec;
        store.add_fn(spec);
        fns.push_back(std::move(entry));
    }
    return fns;
}

}  // namespace

SimWorld::SimWorld(const WorldOptions& options) :
    options_(options),
    random_(options.seed),
    history_(options.is_traced),
    store_(history_, random_, options.mutation),
    queue_(history_, random_, random_.chance(0.5)),
    context_{
        .history = history_,
        .random = random_,
        .store = store_,
        .queue = queue_,
        .mutation = options.mutation,
        .is_embedded = options.seed % 4 == 3
    },
    fns_(make_fns(store_)) {
    if (context_.is_embedded) {
        places_.push_back({.roles = {.api = true, .worker = true}, .process = nullptr});
    } else {
        for (int i = 0; i < 2; ++i) places_.push_back({.roles = {.api = true}, .process = nullptr});
        for (int i = 0; i < 3; ++i) {
            places_.push_back({.roles = {.worker = true}, .process = nullptr});
        }
    }
}

void SimWorld::run() {
    context_.crash = 0.001;
    store_.faults.fail = 0.01;
    store_.faults.lose_answer = 0.01;
    queue_.faults.lose_answer = 0.03;
    queue_.faults.repeat = 0.05;
    for (auto& place : places_) start(place);
    plan_calls();
    plan_pauses();
    plan_faults();
    run_until(healed_at);
    heal();
    bool quiet = run_until_quiet();
    // Those who are idle now must still be able to take calls.
    for (int i = 0; i < 4; ++i) call_somewhere();
    quiet = run_until_quiet() && quiet;
    store_.report_ends();
    history_.require(quiet, "something is left to do", {});
}

// --- what clients do ---

void SimWorld::plan_calls() {
    for (int i = 0; i < calls; ++i) {
        at(random_.between(Millis{0}, load_ends), [this] { call_somewhere(); });
        if (!random_.chance(0.3)) continue;
        at(random_.between(Millis{0}, load_ends + Millis{10'000}), [this] {
            auto* api = any_process(&ProcessRoles::api);
            const auto& known = context_.acknowledged;
            if (api == nullptr || known.empty()) return;
            // One of the latest, which may still wait or run.
            const auto back = random_.below(std::min<std::size_t>(known.size(), 3));
            api->cancel(known[known.size() - 1 - back]);
        });
    }
}

void SimWorld::plan_pauses() {
    for (const auto& fn : fns_) {
        if (!random_.chance(0.3)) continue;
        at(random_.between(Millis{0}, load_ends), [this, id = fn->fn.id] {
            auto* api = any_process(&ProcessRoles::api);
            if (api) api->pause(id, random_.between(Millis{100}, Millis{20'000}));
        });
    }
}

void SimWorld::call_somewhere() {
    auto* api = any_process(&ProcessRoles::api);
    if (api == nullptr) return;
    // Bursts let calls wait for their slots.
    const auto burst = random_.chance(0.1) ? 12U : 1U;
    const auto& fn = fns_[random_.below(fns_.size())];
    CallOptions options;
    if (random_.chance(0.25))
        options.run_at = wall_now() + random_.between(Millis{1}, Millis{20'000});
    if (random_.chance(0.2)) options.max_age = random_.between(Millis{50}, Millis{10'000});
    options.priority = static_cast<int>(random_.below(3));
    if (burst == 1 && random_.chance(0.3)) {
        options.idempotency_key = std::to_string(++keys_made_);
        call_again(fn, options);
    }
    for (unsigned i = 0; i < burst; ++i) api->call(fn, options);
}

void SimWorld::call_again(const FnEntryRef& fn, const CallOptions& options) {
    after(random_.between(Millis{0}, Millis{3'000}), [this, fn, options] {
        if (auto* api = any_process(&ProcessRoles::api)) api->call(fn, options);
    });
}

SimProcess* SimWorld::any_process(bool ProcessRoles::* role) {
    std::vector<SimProcess*> running;
    for (const auto& place : places_) {
        if (place.roles.*role && place.process) running.push_back(place.process.get());
    }
    return running.empty() ? nullptr : running[random_.below(running.size())];
}

// --- what the nemesis does ---

void SimWorld::plan_faults() {
    for (int i = 0; i < faults; ++i) {
        const auto lasts = random_.chance(0.3) ? Millis{40'000} : Millis{4'000};
        at(random_.between(Millis{0}, faults_end),
           [this, lasts] { fault(random_.between(Millis{10}, lasts)); });
    }
}

void SimWorld::fault(Millis lasts) {
    const auto kind = random_.below(10);
    if (kind < 6) {
        fault_of_place(lasts);
    } else if (kind < 8) {
        fault_of_store(lasts);
    } else {
        fault_of_queue(lasts);
    }
}

void SimWorld::fault_of_place(Millis lasts) {
    const auto chosen = random_.below(places_.size());
    auto* process = places_[chosen].process.get();
    if (process == nullptr) return;
    const auto undo = [&](auto mend) {
        after(lasts, [this, chosen, mend] {
            if (auto* still = places_[chosen].process.get()) mend(*still);
        });
    };
    const auto name = std::to_string(chosen);
    switch (random_.below(7)) {
        case 0:
            history_.note("crash", name);
            process->crash();
            break;
        case 1:
        case 6:
            history_.note("stall", name);
            history_.reached("stall");
            process->stalled_until = VirtualTime::now() + lasts;
            break;
        case 2:
            history_.note("drain", name);
            process->drain();
            break;
        case 3:
            history_.note("cut off from the store", name);
            process->is_cut = true;
            undo([](SimProcess& still) { still.is_cut = false; });
            break;
        case 4:
            history_.note("heartbeats stalled", name);
            process->stall_heartbeats(true);
            undo([](SimProcess& still) { still.stall_heartbeats(false); });
            break;
        default:
            history_.note("engine away", name);
            process->take_engine_away(true);
            undo([](SimProcess& still) { still.take_engine_away(false); });
            break;
    }
}

void SimWorld::fault_of_store(Millis lasts) {
    if (random_.chance(0.7)) {
        history_.note("store down");
        store_.faults.is_down = true;
        after(lasts, [this] { store_.faults.is_down = false; });
    } else {
        history_.note("store slow");
        store_.faults.slowness = 50;
        after(lasts, [this] { store_.faults.slowness = 1; });
    }
}

void SimWorld::fault_of_queue(Millis lasts) {
    switch (random_.below(5)) {
        case 0: queue_.lose_some(); break;
        case 1: queue_.wipe(); break;
        case 2: queue_.shuffle(); break;
        case 3:
            history_.note("queue full");
            queue_.faults.is_full = true;
            after(lasts, [this] { queue_.faults.is_full = false; });
            break;
        default:
            history_.note("queue down");
            queue_.faults.is_down = true;
            after(lasts, [this] { queue_.faults.is_down = false; });
            break;
    }
}

void SimWorld::heal() {
    history_.note("healed");
    is_healed_ = true;
    agenda_.clear();
    context_.crash = 0;
    store_.faults = {};
    queue_.faults = {};
    // Whoever paused one may be gone.
    for (const auto& fn : fns_) {
        history_.resumed(fn->fn.id);
        store_.resume(fn->fn.id);
    }
    for (auto& place : places_) {
        if (!place.process) {
            start(place);
            continue;
        }
        auto& process = *place.process;
        process.stalled_until = Millis{0};
        process.is_cut = false;
        process.stall_heartbeats(false);
        process.take_engine_away(false);
    }
}

// --- how time passes ---

void SimWorld::run_until(Millis end) {
    while (VirtualTime::now() < end) {
        const auto now = VirtualTime::now();
        while (!agenda_.empty() && agenda_.begin()->first <= now) {
            const auto event = std::move(agenda_.begin()->second);
            agenda_.erase(agenda_.begin());
            event();
        }
        take_turns();
        VirtualTime::advance(next_event(end) - now);
    }
}

void SimWorld::take_turns() {
    do {
        queue_.pump();
    } while (take_round());
    const auto counts = store_.counts();
    history_.counted(counts.delayed + counts.queued + counts.running);
}

/// Each process that is not stalled runs what it can, in an order of chance.
bool SimWorld::take_round() {
    std::vector<std::size_t> order(places_.size());
    std::iota(order.begin(), order.end(), 0U);
    for (std::size_t i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[random_.below(i)]);
    }
    bool any = false;
    for (const auto chosen : order) {
        auto& place = places_[chosen];
        if (!place.process) continue;
        auto& process = *place.process;
        if (!process.has_crashed()) {
            if (process.stalled_until > VirtualTime::now()) continue;
            any = process.turn() > 0 || any;
            if (process.has_newly_parked()) history_.reached("outbox parked");
        }
        if (process.has_crashed() || process.has_stopped()) bury(place);
    }
    return any;
}

void SimWorld::bury(Place& place) {
    history_.reached(place.process->has_crashed() ? "crash" : "drain");
    if (place.process->has_crashed() && place.process->has_calls()) {
        history_.reached("crash with calls");
    }
    place.process.reset();
    history_.note("process gone");
    if (is_healed_) {
        start(place);
        return;
    }
    after(random_.between(Millis{100}, Millis{8'000}), [this, &place] { start(place); });
}

void SimWorld::start(Place& place) {
    if (place.process) return;
    place.process = std::make_unique<SimProcess>(context_, place.roles);
    place.process->start();
}

Millis SimWorld::next_event(Millis end) {
    const auto now = VirtualTime::now();
    auto next = end;
    const auto consider = [&](Millis at) { next = std::min(next, std::max(at, now + Millis{1})); };
    if (!agenda_.empty()) consider(agenda_.begin()->first);
    if (const auto due = queue_.next_due()) consider(*due);
    for (const auto& place : places_) {
        if (!place.process) continue;
        if (place.process->stalled_until > now) {
            consider(place.process->stalled_until);
        } else {
            consider(now + place.process->idle_time());
        }
    }
    return next;
}

bool SimWorld::is_quiet() const {
    const auto is_idle = [](const Place& place) {
        return place.process && !place.process->is_draining() && !place.process->has_calls();
    };
    return store_.is_quiet() && queue_.is_empty() && std::ranges::all_of(places_, is_idle);
}

bool SimWorld::run_until_quiet() {
    const auto end = VirtualTime::now() + quiet_within;
    // At least once round the sweeps, so that nothing that is on its way is missed.
    do {
        run_until(VirtualTime::now() + Millis{3'000});
    } while (!is_quiet() && VirtualTime::now() < end);
    return is_quiet();
}

}  // namespace stoker::test
