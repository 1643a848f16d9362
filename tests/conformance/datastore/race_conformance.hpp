#pragma once

// Many claimers, sweepers and cancellers at once on several threads, workers that are declared dead
// while they run on, and a checker of the history: an attempt is executed once, an end is written
// once and by whoever held the call, and the last state of every row agrees with what its writers
// were told.

#include <algorithm>
#include <map>
#include <mutex>
#include <random>
#include <set>

#include "tests/conformance/datastore/store_fixture.hpp"

namespace stoker::test {

/// What the tasks were told, by call.
struct History {
    std::mutex mutex;
    std::map<std::string, std::vector<Fence>> executions;
    std::map<std::string, std::vector<Fence>> ends;
    int fenced = 0;

    void claimed(const Fence& fence) {
        const std::scoped_lock lock(mutex);
        executions[fence.call_id].push_back(fence);
    }
    void finished(const Fence& fence, bool won) {
        const std::scoped_lock lock(mutex);
        if (won) {
            ends[fence.call_id].push_back(fence);
        } else {
            ++fenced;
        }
    }
};

struct Race {
    Datastore& store;
    IdSource& ids;
    const Names& calls;
    History& history;
    std::atomic<bool> over{false};
};

/// Claims at random; one incarnation in four is declared dead before it writes its results.
inline Task<bool> work(Race& race, unsigned seed) {
    std::mt19937 random(seed);
    while (!race.over) {
        const auto worker = race.ids.next();
        (void)co_await race.store.register_worker(worker, "host", Millis(15'000));
        Names wanted;
        std::ranges::sample(race.calls, std::back_inserter(wanted), 16, random);
        const auto claimed = co_await race.store.claim(worker, wanted);
        if (!claimed) co_return false;
        for (const auto& each : *claimed) {
            race.history.claimed({each.call.id, worker, each.call.attempt});
        }
        if (random() % 4 == 0) (void)co_await race.store.remove_worker(worker);
        for (const auto& each : *claimed) {
            FinishedCall finished;
            finished.fence = {each.call.id, worker, each.call.attempt};
            const auto won = co_await race.store.finish(finished);
            if (!won) co_return false;
            race.history.finished(finished.fence, *won);
        }
        (void)co_await race.store.remove_worker(worker);
    }
    co_return true;
}

inline Task<bool> sweep(Race& race) {
    while (!race.over) {
        if (!co_await race.store.sweep_lost(Millis(0))) co_return false;
        const auto counts = co_await race.store.count_calls();
        if (counts && counts->queued == 0 && counts->running == 0) race.over = true;
    }
    co_return true;
}

inline Task<bool> cancel_some(Race& race, unsigned seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < 40; ++i) {
        const auto& id = race.calls.at(random() % race.calls.size());
        if (!co_await race.store.cancel(Scope::all(), id)) co_return false;
    }
    co_return true;
}

inline void check_history(
    const Call& row, const std::vector<Fence>& executions, const std::vector<Fence>& ends
) {
    CAPTURE(row.id);
    std::set<int> attempts;
    for (const auto& execution : executions) attempts.insert(execution.attempt);
    CHECK(is_terminal(row.status));
    CHECK(attempts.size() == executions.size());
    CHECK(std::cmp_less_equal(executions.size(), row.max_attempts));
    CHECK(std::cmp_equal(executions.size(), row.attempt));
    CHECK(ends.size() == (row.status == CallStatus::success ? 1 : 0));
    if (!ends.empty()) CHECK(ends.front().attempt == row.attempt);
}

TEST_CASE_TEMPLATE_DEFINE("Datastore: races", Backend, datastore_races) {
    Fixture<Backend> t(3);

    SUBCASE("each attempt runs once, each end is written once, whoever dies or sweeps") {
        Names calls;
        for (int i = 0; i < 200; ++i) calls.push_back(t.accept());
        History history;
        Race race{*t.store, t.ids, calls, history};
        std::vector<std::future<bool>> tasks;
        for (unsigned seed = 1; seed <= 6; ++seed) tasks.push_back(t.loop.start(work(race, seed)));
        for (int i = 0; i < 2; ++i) tasks.push_back(t.loop.start(sweep(race)));
        tasks.push_back(t.loop.start(cancel_some(race, 7)));
        for (auto& task : tasks) CHECK(task.get());
        CHECK(history.fenced > 0);
        for (const auto& id : calls) {
            check_history(t.get(id), history.executions[id], history.ends[id]);
        }
        CHECK(t.run(t.store->sweep_lost(Millis(0)))->empty());
        CHECK(t.run(t.store->list_queued("", 10))->empty());
    }
    SUBCASE("accepts from many tasks all stand, in the order of their ids") {
        std::vector<std::future<Result<std::string>>> accepts;
        Names accepted;
        for (int i = 0; i < 1000; ++i) {
            auto call = t.new_call();
            accepted.push_back(call.call.id);
            accepts.push_back(t.loop.start(t.store->accept(std::move(call))));
        }
        for (auto& accept : accepts) CHECK(accept.get().has_value());
        CHECK(ids_of(t.run(t.store->list_queued("", 2000))) == accepted);
        CHECK(t.counts().queued == 1000);
    }
}

}  // namespace stoker::test
