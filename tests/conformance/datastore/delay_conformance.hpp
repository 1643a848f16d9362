#pragma once

// Calls that are not to run yet.

#include "tests/conformance/datastore/store_fixture.hpp"

namespace stoker::test {

TEST_CASE_TEMPLATE_DEFINE("Datastore: delayed calls", Backend, datastore_delays) {
    Fixture<Backend> t;
    const auto accept_delayed = [&](Millis delay) {
        auto made = t.new_call();
        made.call.status = CallStatus::delayed;
        made.call.run_at = t.clock.now() + delay;
        REQUIRE(t.run(t.store->accept(made)));
        CHECK(t.get(made.call.id) == made.call);
        return made.call.id;
    };
    const auto release = [&](int items_max = 100) {
        auto step = t.run(t.store->release_due(items_max));
        REQUIRE(step);
        return *step;
    };
    const auto ids = [](const DueStep& step) {
        Names found;
        for (const auto& call : step.due) found.push_back(call.id);
        return found;
    };

    SUBCASE("a delayed call is neither claimed nor put until it is due") {
        const auto id = accept_delayed(Millis(1'000));
        CHECK(t.counts().delayed == 1);
        CHECK(t.counts().queued == 0);
        CHECK(t.run(t.store->claim("worker-1", {id}))->empty());
        CHECK(t.run(t.store->list_queued("", 10))->empty());
        t.clock.advance(Millis(999));
        CHECK(release().due.empty());
        t.clock.advance(Millis(1));
        const auto due = release().due;
        REQUIRE(due.size() == 1);
        CHECK(due[0].id == id);
        CHECK(due[0].fn_id == t.fn.id);
        CHECK(due[0].status == CallStatus::queued);
        CHECK(release().due.empty());
        CHECK(t.counts().delayed == 0);
        CHECK(t.counts().queued == 1);
        CHECK(ids_of(t.run(t.store->list_queued("", 10))) == Names{id});
        CHECK(t.claim(id).attempt == 1);
    }
    SUBCASE("those due for longest come first, so many at a time") {
        const auto third = accept_delayed(Millis(30));
        const auto first = accept_delayed(Millis(10));
        const auto second = accept_delayed(Millis(20));
        t.clock.advance(Millis(50));
        CHECK(ids(release(2)) == Names{first, second});
        CHECK(ids(release(2)) == Names{third});
    }
    SUBCASE("it is said when the next one is due") {
        CHECK_FALSE(release().next_in);
        accept_delayed(Millis(500));
        accept_delayed(Millis(300));
        t.clock.advance(Millis(100));
        CHECK(release().next_in == Millis(200));
        t.clock.advance(Millis(600));
        CHECK(release(1).next_in == Millis(-200));
        CHECK_FALSE(release().next_in);
    }
    SUBCASE("it is put when it is due: the queue has not lost it before") {
        const auto id = accept_delayed(Millis(60'000));
        t.clock.advance(Millis(60'000));
        CHECK(ids(release()) == Names{id});
        DeliveredBefore delivered;
        delivered.of_priority.fill(t.clock.now());
        const auto step = t.run(t.store->redispatch("", 10, delivered, Millis(20'000)));
        REQUIRE(step);
        CHECK(step->lost.empty());
    }
    SUBCASE("a delayed call is cancelled at once and is never due") {
        const auto id = accept_delayed(Millis(10));
        const auto cancelled = t.run(t.store->cancel(Scope::all(), id));
        REQUIRE(cancelled);
        CHECK(cancelled->status == CallStatus::cancelled);
        t.clock.advance(Millis(20));
        CHECK(release().due.empty());
        CHECK(t.counts().delayed == 0);
    }
    SUBCASE("the delayed calls of a deleted fn are cancelled") {
        const auto id = accept_delayed(Millis(10));
        CHECK(ids_of(t.run(t.store->delete_fn(t.fn.id))) == Names{id});
        CHECK(t.status_of(id) == CallStatus::cancelled);
        CHECK(t.counts().delayed == 0);
    }
    SUBCASE("a delay outlives the process") {
        const auto id = accept_delayed(Millis(10));
        t.reopen();
        CHECK(t.counts().delayed == 1);
        CHECK(t.run(t.store->recover_all())->empty());
        t.clock.advance(Millis(10));
        CHECK(ids(release()) == Names{id});
    }
}

}  // namespace stoker::test
