#pragma once

// A SlotTable without a world around it: the test says what happens, and when.

#include <list>
#include <vector>

#include "tests/worker/slot_world.hpp"
#include "worker/slot_table.hpp"

namespace stoker::test {

struct FnOptions {
    std::uint64_t memory_mb = 128;
    std::int32_t idle_timeout_s = 30;
    std::int32_t max_concurrency = 0;
    std::int32_t min_idle = 0;
    std::uint64_t milli_cpus = 0;
};

inline FnSpecRef make_fn(const std::string& name, const FnOptions& options = {}) {
    auto fn = std::make_shared<FnSpec>();
    fn->fn_id = fn->slot_key = name;
    fn->memory_mb = options.memory_mb;
    fn->idle_timeout_s = options.idle_timeout_s;
    fn->max_concurrency = options.max_concurrency;
    fn->min_idle = options.min_idle;
    fn->milli_cpus = options.milli_cpus;
    return fn;
}

/// A table without a world around it: the test says what happens.
struct Bare {
    explicit Bare(std::int64_t total_mb = 1024, LaunchPolicy with = {}) :
        memory(total_mb),
        policy(with),
        table(memory, with, Millis::zero()) {}

    SlotWaiterRef want(const FnSpecRef& fn) {
        auto waiter = std::make_shared<SlotWaiter>(fn, true);
        table.want(waiter, now);
        keep();
        return waiter;
    }
    ContainerRef come_up(const FnSpecRef& fn) {
        for (auto next = launches.begin(); next != launches.end(); ++next) {
            if (next->fn != fn) continue;
            auto container = std::make_shared<Container>(
                "c", fn, nowhere.get_executor(), std::move(next->memory)
            );
            auto* key = next->key;
            launches.erase(next);
            table.launched(key, {container, now, false}, now);
            keep();
            return container;
        }
        return nullptr;
    }
    /// One call of it, from the first wish to the end.
    ContainerRef use_once(const FnSpecRef& fn) {
        want(fn);
        remove_all();
        auto container = come_up(fn);
        give_back(container);
        return container;
    }
    void give_back(const ContainerRef& container, bool reusable = true) {
        table.gave_back(container, now, reusable, now);
        keep();
    }
    void remove_all() {
        for (const auto& container : std::exchange(removals, {})) {
            table.removed(container, now);
            keep();
        }
    }
    void tick_after(std::chrono::milliseconds pause) {
        now += pause;
        table.tick(now);
        keep();
    }
    void keep() {
        auto actions = table.take_actions();
        for (auto& launch : actions.launches) launches.push_back(std::move(launch));
        for (auto& handover : actions.handovers) handovers.push_back(std::move(handover));
        removals.insert(removals.end(), actions.removals.begin(), actions.removals.end());
    }

    SlotTable::Time now{std::chrono::hours(1)};
    asio::io_context nowhere;
    MemoryTokens memory;
    LaunchPolicy policy;
    std::list<SlotTable::Launch> launches;
    std::vector<SlotTable::Handover> handovers;
    std::vector<ContainerRef> removals;
    SlotTable table;
};

}  // namespace stoker::test
