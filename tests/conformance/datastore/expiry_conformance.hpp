#pragma once

// Calls that may wait for so long only, and what goes first.

#include "tests/conformance/datastore/store_fixture.hpp"

namespace stoker::test {

TEST_CASE_TEMPLATE_DEFINE("Datastore: age and priority", Backend, datastore_expiry) {
    Fixture<Backend> t;
    const auto accept_for = [&](Millis age, std::optional<Millis> delay = {}) {
        auto made = t.new_call();
        made.call.expires_at = t.clock.now() + age;
        if (delay) made.call.status = CallStatus::delayed;
        if (delay) made.call.run_at = t.clock.now() + *delay;
        REQUIRE(t.run(t.store->accept(made)));
        CHECK(t.get(made.call.id) == made.call);
        return made.call.id;
    };

    SUBCASE("a fn's priority and age are kept") {
        auto fn = t.new_fn(t.app, "aged");
        fn.priority = 2;
        fn.max_age = 60;
        REQUIRE(t.run(t.store->insert_fn(fn)));
        CHECK(t.run(t.store->get_fn(fn.id)) == fn);
        FnPatch patch;
        patch.priority = 0;
        patch.max_age = 0;
        const auto updated = t.run(t.store->update_fn(fn.id, patch));
        REQUIRE(updated);
        CHECK(updated->priority == 0);
        CHECK(updated->max_age == 0);
        CHECK(t.run(t.store->get_fn(fn.id)) == *updated);
    }
    SUBCASE("calls that wait or are delayed end when they have expired") {
        const auto waiting = accept_for(Millis(100));
        const auto delayed = accept_for(Millis(100), Millis(1'000));
        const auto young = accept_for(Millis(200));
        const auto ageless = t.accept();
        t.clock.advance(Millis(99));
        CHECK(t.run(t.store->expire(10))->empty());
        t.clock.advance(Millis(1));
        const auto expired = t.run(t.store->expire(10));
        REQUIRE(expired);
        REQUIRE(expired->size() == 2);
        CHECK(expired->at(0).status == CallStatus::timeout);
        CHECK(expired->at(0).fn_id == t.fn.id);
        for (const auto& id : {waiting, delayed}) {
            const auto call = t.get(id);
            CHECK(call.status == CallStatus::timeout);
            CHECK(call.error_code == "expired");
            CHECK_FALSE(call.error.empty());
            CHECK(call.completed_at == t.clock.now());
            CHECK(t.run(t.store->claim("worker-1", {id}))->empty());
        }
        CHECK(t.status_of(young) == CallStatus::queued);
        CHECK(t.status_of(ageless) == CallStatus::queued);
        CHECK(t.counts().queued == 2);
        CHECK(t.counts().delayed == 0);
        CHECK(t.run(t.store->expire(10))->empty());
    }
    SUBCASE("so many at a time, the oldest first") {
        const auto second = accept_for(Millis(20));
        const auto first = accept_for(Millis(10));
        const auto third = accept_for(Millis(30));
        t.clock.advance(Millis(30));
        CHECK(ids_of(t.run(t.store->expire(2))) == Names{first, second});
        CHECK(ids_of(t.run(t.store->expire(2))) == Names{third});
    }
    SUBCASE("a call that runs, or has ended, does not expire; its claimer is told when it would") {
        const auto id = accept_for(Millis(10));
        const auto claimed = t.run(t.store->claim("worker-1", {id}));
        REQUIRE(claimed);
        CHECK(claimed->at(0).call.expires_at == t.clock.now() + Millis(10));
        t.clock.advance(Millis(10));
        CHECK(t.run(t.store->expire(10))->empty());
        const Fence fence{id, "worker-1", 1};
        REQUIRE(t.run(t.store->hand_back(fence)) == true);
        CHECK(ids_of(t.run(t.store->expire(10))) == Names{id});
        CHECK(t.status_of(id) == CallStatus::timeout);
    }
    SUBCASE("what moves calls tells their priority") {
        auto made = t.new_call();
        made.call.priority = 2;
        REQUIRE(t.run(t.store->accept(made)));
        CHECK(t.get(made.call.id).priority == 2);
        CHECK(t.run(t.store->list_queued("", 10))->at(0).priority == 2);
    }
}

}  // namespace stoker::test
