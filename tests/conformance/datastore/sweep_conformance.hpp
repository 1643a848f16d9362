#pragma once

// Workers and what happens to their calls when they are lost; what is read about calls.

#include <algorithm>

#include "tests/conformance/datastore/store_fixture.hpp"

namespace stoker::test {

TEST_CASE_TEMPLATE_DEFINE("Datastore: lost workers", Backend, datastore_workers) {
    Fixture<Backend> t;
    t.add_worker("worker-1");

    SUBCASE("a worker that keeps its lease keeps its calls") {
        const auto fence = t.run_one();
        for (int i = 0; i < 5; ++i) {
            t.clock.advance(t.lease);
            CHECK(t.run(t.store->heartbeat("worker-1", t.lease))->alive);
            CHECK(t.run(t.store->sweep_lost(t.grace))->empty());
        }
        CHECK(t.status_of(fence.call_id) == CallStatus::running);
    }
    SUBCASE("a lease may be late by the grace, not longer") {
        const auto fence = t.run_one();
        t.clock.advance(t.lease + t.grace);
        CHECK(t.run(t.store->sweep_lost(t.grace))->empty());
        t.clock.advance(Millis(1));
        const auto moved = t.run(t.store->sweep_lost(t.grace));
        REQUIRE(moved);
        REQUIRE(moved->size() == 1);
        CHECK(moved->front().id == fence.call_id);
        CHECK(moved->front().fn_id == t.fn.id);
        CHECK(moved->front().status == CallStatus::queued);
        CHECK(moved->front().attempt == 1);
        CHECK(t.run(t.store->sweep_lost(t.grace))->empty());
        CHECK(t.counts().queued == 1);
        CHECK(t.counts().running == 0);
    }
    SUBCASE("setting the clock forward kills no worker, setting it back keeps no dead one") {
        for (const auto jump : {Millis(std::chrono::hours(1)), Millis(std::chrono::years(30))}) {
            const auto fence = t.run_one();
            t.clock.jump(jump);
            CHECK(t.run(t.store->sweep_lost(t.grace))->empty());
            CHECK(t.run(t.store->heartbeat("worker-1", t.lease))->alive);
            t.clock.jump(-2 * jump);
            CHECK(t.run(t.store->sweep_lost(t.grace))->empty());
            CHECK(t.status_of(fence.call_id) == CallStatus::running);
            CHECK(t.run(t.store->finish(t.success(fence))) == true);
        }
        const auto fence = t.run_one();
        t.clock.advance(t.lease + t.grace + Millis(1));
        CHECK(ids_of(t.run(t.store->sweep_lost(t.grace))) == Names{fence.call_id});
    }
    SUBCASE("a dead worker is told so and can write nothing any more") {
        const auto fence = t.run_one();
        t.clock.advance(t.lease + t.grace + Millis(1));
        REQUIRE(t.run(t.store->sweep_lost(t.grace))->size() == 1);
        CHECK_FALSE(t.run(t.store->heartbeat("worker-1", t.lease))->alive);
        CHECK(
            error_of(t.run(t.store->register_worker("worker-1", "host", t.lease))) == Errc::conflict
        );
        CHECK(t.run(t.store->finish(t.success(fence))) == false);
        CHECK(t.run(t.store->hand_back(fence)) == false);
        CHECK(t.status_of(fence.call_id) == CallStatus::queued);
    }
    SUBCASE("a claim made by a dead or unknown worker is swept too") {
        const auto fence = t.run_one("never-registered");
        CHECK(ids_of(t.run(t.store->sweep_lost(t.grace))) == Names{fence.call_id});
    }
    SUBCASE("a worker that leaves frees its calls at once") {
        const auto fence = t.run_one();
        REQUIRE(t.run(t.store->remove_worker("worker-1")));
        CHECK(ids_of(t.run(t.store->sweep_lost(t.grace))) == Names{fence.call_id});
    }
    SUBCASE("what workers say about themselves is known while their leases last") {
        const WorkerProfile profile{
            .address = "10.0.0.1:8090",
            .memory_mb = 4096,
            .busy_mb = 128,
            .milli_cpus = 2000,
            .draining = true
        };
        t.add_worker("worker-2");
        REQUIRE(t.run(t.store->describe_worker("worker-2", profile)));
        REQUIRE(t.run(t.store->describe_worker("nobody", profile)));
        const std::vector<KnownWorker> both{
            {"worker-1", "host", {}}, {"worker-2", "host", profile}
        };
        CHECK(t.run(t.store->list_workers()) == both);
        t.clock.advance(t.lease);
        REQUIRE(t.run(t.store->heartbeat("worker-2", t.lease))->alive);
        t.clock.advance(Millis(1) + t.grace);
        REQUIRE(t.run(t.store->sweep_lost(t.grace)));
        CHECK(t.run(t.store->list_workers()) == std::vector{both.at(1)});
        REQUIRE(t.run(t.store->remove_worker("worker-2")));
        CHECK(t.run(t.store->list_workers())->empty());
    }
    SUBCASE("a call whose attempts are used up ends as worker_lost") {
        const auto id = t.accept();
        for (int attempt = 1; attempt <= t.fn.retry.max_attempts; ++attempt) {
            CHECK(t.claim(id, "gone").attempt == attempt);
            REQUIRE(t.run(t.store->sweep_lost(t.grace))->size() == 1);
        }
        const auto call = t.get(id);
        CHECK(call.status == CallStatus::error);
        CHECK(call.error_code == "worker_lost");
        CHECK(call.completed_at == t.clock.now());
        CHECK(t.counts().queued == 0);
    }
    SUBCASE("a call that was to be cancelled is not run again") {
        const auto fence = t.run_one("gone");
        REQUIRE(t.run(t.store->cancel(Scope::all(), fence.call_id)));
        const auto moved = t.run(t.store->sweep_lost(t.grace));
        REQUIRE(moved);
        CHECK(moved->at(0).status == CallStatus::cancelled);
        CHECK(t.status_of(fence.call_id) == CallStatus::cancelled);
    }
    SUBCASE("when the one process starts again, every call that ran waits again") {
        const auto fence = t.run_one();
        const auto waiting = t.accept();
        t.reopen();
        CHECK(t.counts().running == 1);
        CHECK(ids_of(t.run(t.store->recover_all())) == Names{fence.call_id});
        CHECK_FALSE(t.run(t.store->heartbeat("worker-1", t.lease))->alive);
        CHECK(t.counts().queued == 2);
        CHECK(t.counts().running == 0);
        CHECK(t.claim(fence.call_id).attempt == 2);
        CHECK(t.claim(waiting).attempt == 1);
    }
}

TEST_CASE_TEMPLATE_DEFINE("Datastore: calls lost in the queue", Backend, datastore_redispatch) {
    Fixture<Backend> t;
    const auto slack = Millis(20'000);
    const auto step = [&](const DeliveredBefore& delivered, std::string after = {}, int max = 100) {
        auto done = t.run(t.store->redispatch(std::move(after), max, delivered, slack));
        REQUIRE(done);
        return *done;
    };
    const auto ids = [](const RedispatchStep& of) {
        Names found;
        for (const auto& call : of.lost) found.push_back(call.id);
        return found;
    };
    const auto all_delivered = [&] {
        DeliveredBefore delivered;
        delivered.of_priority.fill(t.clock.now());
        return delivered;
    };

    SUBCASE("a call that was put more than the slack ago is put again, once in a slack") {
        const auto id = t.accept();
        t.clock.advance(slack);
        CHECK(step(all_delivered()).lost.empty());
        t.clock.advance(Millis(1));
        const auto found = step(all_delivered()).lost;
        REQUIRE(found.size() == 1);
        CHECK(found[0].id == id);
        CHECK(found[0].fn_id == t.fn.id);
        CHECK(found[0].status == CallStatus::queued);
        CHECK(found[0].attempt == 0);
        CHECK(step(all_delivered()).lost.empty());
        t.clock.advance(slack + Millis(1));
        CHECK(ids(step(all_delivered())) == Names{id});
    }
    SUBCASE("what the queue has not come to yet is not lost") {
        t.accept();
        DeliveredBefore delivered;
        delivered.of_priority.fill(t.clock.now());
        t.clock.advance(10 * slack);
        CHECK(step(delivered).lost.empty());
        delivered.of_priority[0] += slack + Millis(1);
        CHECK(step(delivered).lost.size() == 1);
    }
    SUBCASE("a function that lags holds back its own calls, not those of others") {
        const auto other = t.add_fn(t.app, "other");
        t.accept();
        const auto lost = t.accept(other);
        DeliveredBefore delivered;
        delivered.of_priority.fill(t.clock.now());
        delivered.of_lagging_fn[t.fn.id] = t.clock.now();
        t.clock.advance(slack + Millis(1));
        CHECK(ids(step(delivered)) == Names{lost});
    }
    SUBCASE("a queue whose clock is ahead makes nothing lost") {
        t.accept();
        auto delivered = all_delivered();
        delivered.of_priority[0] += std::chrono::hours(1);
        CHECK(step(delivered).lost.empty());
    }
    SUBCASE("calls that do not wait are left alone") {
        t.add_worker("worker-1");
        const auto fence = t.run_one();
        const auto cancelled = t.accept();
        REQUIRE(t.run(t.store->cancel(Scope::all(), cancelled)));
        t.clock.advance(2 * slack);
        CHECK(step(all_delivered()).lost.empty());
        REQUIRE(t.run(t.store->hand_back(fence)) == true);
        CHECK(step(all_delivered()).lost.empty());
        t.clock.advance(slack + Millis(1));
        CHECK(ids(step(all_delivered())) == Names{fence.call_id});
    }
    SUBCASE("the walk goes on where it stopped, to the end") {
        Names accepted;
        for (int i = 0; i < 5; ++i) accepted.push_back(t.accept());
        t.clock.advance(slack + Millis(1));
        Names found;
        std::string after;
        do {
            const auto next = step(all_delivered(), after, 2);
            for (const auto& call : next.lost) found.push_back(call.id);
            after = next.seen_to;
        } while (!after.empty());
        CHECK(found == accepted);
    }
}

TEST_CASE_TEMPLATE_DEFINE("Datastore: reading calls", Backend, datastore_reads) {
    Fixture<Backend> t;
    const auto other_app = t.add_app("other");
    const auto other_fn = t.add_fn(other_app, "fn");

    SUBCASE("a scope sees its own calls only") {
        const auto mine = t.run_one();
        REQUIRE(t.run(t.store->finish(t.success(mine))) == true);
        const auto theirs = t.accept(other_fn);
        const auto& id = mine.call_id;
        for (const auto& scope : {Scope::app(t.app.id), Scope::fn(t.fn.id), Scope::all()}) {
            CHECK(t.run(t.store->get_call(scope, id)).has_value());
            CHECK(t.run(t.store->get_response(scope, id)).has_value());
            CHECK(t.run(t.store->get_log(scope, id, 0)).has_value());
        }
        for (const auto& scope : {Scope::app(other_app.id), Scope::fn(other_fn.id)}) {
            CHECK(error_of(t.run(t.store->get_call(scope, id))) == Errc::call_not_found);
            const auto response = t.run(t.store->get_response(scope, id));
            CHECK(error_of(response) == Errc::call_response_not_found);
            CHECK(error_of(t.run(t.store->get_log(scope, id, 0))) == Errc::call_log_not_found);
            CHECK(error_of(t.run(t.store->cancel(scope, id))) == Errc::call_not_found);
            CHECK(ids_of(t.run(t.store->list_calls(scope, {}, {}))) == Names{theirs});
        }
        CHECK(error_of(t.run(t.store->cancel(Scope::fn(t.fn.id), theirs))) == Errc::call_not_found);
        CHECK(t.status_of(theirs) == CallStatus::queued);
    }
    SUBCASE("calls are listed newest first, in pages") {
        Names newest_first;
        for (int i = 0; i < 5; ++i) {
            newest_first.insert(newest_first.begin(), t.accept());
            t.accept(other_fn);
        }
        for (const auto& scope : {Scope::fn(t.fn.id), Scope::app(t.app.id)}) {
            Names listed;
            for (Page page{.after = "", .items_max = 2};; page.after = listed.back()) {
                const auto found = ids_of(t.run(t.store->list_calls(scope, {}, page)));
                listed.insert(listed.end(), found.begin(), found.end());
                if (found.size() < 2) break;
            }
            CHECK(listed == newest_first);
        }
        CHECK(t.run(t.store->list_calls(Scope::all(), {}, {}))->size() == 10);
    }
    SUBCASE("calls are filtered by status and by when they were made") {
        const auto start = t.clock.now();
        Names made;
        for (int i = 0; i < 4; ++i) {
            made.push_back(t.accept());
            t.clock.advance(Millis(10));
        }
        t.claim(made[1]);
        const auto list = [&](const CallFilter& filter) {
            return ids_of(t.run(t.store->list_calls(Scope::fn(t.fn.id), filter, {})));
        };
        CallFilter running;
        running.status = CallStatus::running;
        CHECK(list(running) == Names{made[1]});
        CallFilter between;
        between.created_after = start;
        between.created_before = start + Millis(30);
        CHECK(list(between) == Names{made[2], made[1]});
    }
    SUBCASE("waiting calls are listed oldest first, in pages, for a queue to be rebuilt") {
        Names waiting;
        for (int i = 0; i < 5; ++i) {
            auto accepted = t.new_call();
            accepted.call.priority = i % 3;
            REQUIRE(t.run(t.store->accept(accepted)));
            waiting.push_back(accepted.call.id);
        }
        t.claim(waiting[2]);
        const auto first = t.run(t.store->list_queued("", 3));
        CHECK(ids_of(first) == Names{waiting[0], waiting[1], waiting[3]});
        CHECK(first->at(1).priority == 1);
        CHECK(first->at(1).fn_id == t.fn.id);
        CHECK(ids_of(t.run(t.store->list_queued(waiting[3], 3))) == Names{waiting[4]});
    }
    SUBCASE("what does not exist is said so") {
        CHECK(error_of(t.run(t.store->get_call(Scope::all(), "none"))) == Errc::call_not_found);
        const auto response = t.run(t.store->get_response(Scope::all(), "none"));
        CHECK(error_of(response) == Errc::call_response_not_found);
        CHECK(
            error_of(t.run(t.store->get_log(Scope::all(), "none", 0))) == Errc::call_log_not_found
        );
    }
    SUBCASE("a store that works has nothing to complain of, a closed one refuses") {
        CHECK(t.store->unhealthy_reason() == "");
        t.store->close();
        CHECK(t.store->unhealthy_reason() != "");
        CHECK(error_of(t.run(t.store->accept(t.new_call()))) == Errc::store_unavailable);
        CHECK(error_of(t.run(t.store->get_app(t.app.id))) == Errc::store_unavailable);
    }
}

}  // namespace stoker::test
