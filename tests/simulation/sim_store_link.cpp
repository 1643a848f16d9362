#include "tests/simulation/sim_store_link.hpp"

#include <utility>

#include "common/async/spawn.hpp"

namespace stoker::test {

Millis SimStoreLink::latency() {
    auto& random = store_.random();
    const auto usual = random.chance(0.05) ? Millis{60} : Millis{6};
    return random.between(Millis{1}, usual) * store_.faults.slowness;
}

/// A store that is away refuses at once, or lets its clients wait for their deadline.
Task<> SimStoreLink::wait_in_vain() {
    auto& random = store_.random();
    co_await sleep_for(random.between(Millis{1}, random.chance(0.3) ? Millis{5'000} : Millis{20}));
}

template <class Apply>
Task<std::invoke_result_t<Apply&>> SimStoreLink::statement(Apply apply) {
    using Answer = std::invoke_result_t<Apply&>;
    auto& random = store_.random();
    host_.crash_point();
    co_await sleep_for(latency());
    if (!is_reachable()) {
        co_await wait_in_vain();
        co_return Answer(fail(Errc::store_unavailable));
    }
    if (random.chance(store_.faults.fail)) co_return Answer(fail(Errc::store_unavailable));
    auto answer = apply();
    host_.crash_point();
    co_await sleep_for(latency());
    if (is_reachable() && !random.chance(store_.faults.lose_answer)) co_return answer;
    store_.history().reached("unknown outcome");
    co_await wait_in_vain();
    co_return Answer(fail(Errc::store_unavailable));
}

Task<Result<std::string>> SimStoreLink::accept(NewCall call) {
    if (store_.publishes_first()) {
        auto id = call.call.id;
        spawn(host_.lane(), "sim.insert_later", insert_later(std::move(call)));
        co_return id;
    }
    co_return co_await statement([this, call = std::move(call)] { return store_.accept(call); });
}

Task<> SimStoreLink::insert_later(NewCall call) {
    co_await statement([this, call = std::move(call)] { return store_.accept(call); });
}

Task<Result<int>> SimStoreLink::forget_keys(int items_max) {
    co_return co_await statement([this, items_max] {
        return Result<int>(store_.forget_keys(items_max));
    });
}

Task<Result<DueStep>> SimStoreLink::release_due(int items_max) {
    co_return co_await statement([this, items_max] {
        return Result<DueStep>(store_.release_due(items_max));
    });
}

Task<Result<std::vector<ClaimedCall>>> SimStoreLink::claim(
    std::string worker, std::vector<std::string> ids
) {
    const auto won = std::make_shared<std::vector<Fence>>();
    auto claimed = co_await statement([this, worker, ids = std::move(ids), won] {
        auto calls = store_.claim(worker, ids);
        for (const auto& one : calls) won->push_back({one.call.id, worker, one.call.attempt});
        return Result<std::vector<ClaimedCall>>(std::move(calls));
    });
    if (!claimed && !won->empty()) {
        spawn(host_.lane(), "sim.hand_back", hand_back_until_done(std::move(*won)));
    }
    co_return claimed;
}

Task<> SimStoreLink::hand_back_until_done(std::vector<Fence> orphans) {
    for (const auto& fence : orphans) {
        while (!co_await hand_back(fence, HandBack::uncounted)) co_await sleep_for(Millis{100});
    }
}

Task<Result<bool>> SimStoreLink::finish(FinishedCall finished) {
    co_return co_await statement([this, finished = std::move(finished)] {
        return Result<bool>(store_.finish(finished));
    });
}

Task<Result<bool>> SimStoreLink::retry(FinishedCall attempt, Millis after) {
    co_return co_await statement([this, attempt = std::move(attempt), after] {
        return Result<bool>(store_.retry(attempt, after));
    });
}

Task<Result<bool>> SimStoreLink::hand_back(Fence fence, HandBack how) {
    co_return co_await statement([this, fence = std::move(fence), how] {
        return Result<bool>(store_.hand_back(fence, how));
    });
}

Task<Result<Call>> SimStoreLink::cancel(Scope /*scope*/, std::string call_id) {
    co_return co_await statement([this, id = std::move(call_id)] { return store_.cancel(id); });
}

Task<Result<std::vector<MovedCall>>> SimStoreLink::list_queued(std::string after, int items_max) {
    co_return co_await statement([this, after = std::move(after), items_max] {
        return Result<std::vector<MovedCall>>(store_.list_queued(after, items_max));
    });
}

Task<Result<RedispatchStep>> SimStoreLink::redispatch(
    std::string after, int items_max, DeliveredBefore delivered, Millis slack
) {
    co_return co_await statement(
        [this, after = std::move(after), items_max, delivered = std::move(delivered), slack] {
            return Result<RedispatchStep>(store_.redispatch(after, items_max, delivered, slack));
        }
    );
}

Task<Result<std::vector<MovedCall>>> SimStoreLink::expire(int items_max) {
    co_return co_await statement([this, items_max] {
        return Result<std::vector<MovedCall>>(store_.expire(items_max));
    });
}

Task<Result<Fn>> SimStoreLink::pause_fn(std::string id) {
    co_return co_await statement([this, id = std::move(id)] {
        store_.pause(id);
        return Result<Fn>{};
    });
}

Task<Result<Fn>> SimStoreLink::resume_fn(std::string id) {
    co_return co_await statement([this, id = std::move(id)] {
        store_.resume(id);
        return Result<Fn>{};
    });
}

Task<Result<CallCounts>> SimStoreLink::count_calls() {
    co_return co_await statement([this] { return Result<CallCounts>(store_.counts()); });
}

Task<Result<void>> SimStoreLink::register_worker(
    std::string worker, std::string /*host*/, Millis lease
) {
    co_return co_await statement([this, worker = std::move(worker), lease] {
        return store_.register_worker(worker, lease);
    });
}

Task<Result<Heartbeat>> SimStoreLink::heartbeat(std::string worker, Millis lease) {
    if (heartbeats_fail) {
        co_await wait_in_vain();
        co_return fail(Errc::store_unavailable);
    }
    co_return co_await statement([this, worker = std::move(worker), lease] {
        return Result<Heartbeat>(store_.heartbeat(worker, lease));
    });
}

Task<Result<void>> SimStoreLink::remove_worker(std::string worker) {
    co_return co_await statement([this, worker = std::move(worker)] {
        store_.remove_worker(worker);
        return Result<void>{};
    });
}

Task<Result<std::vector<MovedCall>>> SimStoreLink::sweep_lost(Millis grace) {
    co_return co_await statement([this, grace] {
        return Result<std::vector<MovedCall>>(store_.sweep_lost(grace));
    });
}

Task<Result<std::vector<MovedCall>>> SimStoreLink::recover_all() {
    co_return co_await statement([this] {
        return Result<std::vector<MovedCall>>(store_.recover_all());
    });
}

}  // namespace stoker::test
