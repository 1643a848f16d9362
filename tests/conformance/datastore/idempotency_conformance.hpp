#pragma once

// Accepts that are repeated with a key.

#include <set>

#include "tests/conformance/datastore/store_fixture.hpp"

namespace stoker::test {

TEST_CASE_TEMPLATE_DEFINE("Datastore: idempotency keys", Backend, datastore_keys) {
    Fixture<Backend> t(3);
    const Millis lifetime{60'000};
    const auto keyed = [&](const Fn& fn, std::string key, std::string digest = "digest") {
        auto made = t.new_call(fn);
        made.idempotency = {std::move(key), std::move(digest), lifetime};
        return made;
    };
    const auto accept = [&](const NewCall& call) {
        auto accepted = t.run(t.store->accept(call));
        REQUIRE(accepted);
        return *accepted;
    };

    SUBCASE("the second accept with a key is the first call, whatever has become of it") {
        const auto first = keyed(t.fn, "key");
        CHECK(accept(first) == first.call.id);
        const auto second = keyed(t.fn, "key");
        CHECK(accept(second) == first.call.id);
        const auto read = t.run(t.store->get_call(Scope::all(), second.call.id));
        CHECK(error_of(read) == Errc::call_not_found);
        CHECK(t.counts().queued == 1);
        const auto fence = t.claim(first.call.id);
        CHECK(accept(keyed(t.fn, "key")) == first.call.id);
        REQUIRE(t.run(t.store->finish(t.success(fence))) == true);
        CHECK(accept(keyed(t.fn, "key")) == first.call.id);
        CHECK(t.counts().queued == 0);
    }
    SUBCASE("the same call again is our own earlier try, with its key as without") {
        const auto first = keyed(t.fn, "key");
        CHECK(accept(first) == first.call.id);
        CHECK(accept(first) == first.call.id);
        CHECK(t.counts().queued == 1);
    }
    SUBCASE("a key in use for something else is refused, and leaves nothing") {
        const auto first = keyed(t.fn, "key");
        accept(first);
        const auto other = keyed(t.fn, "key", "other digest");
        CHECK(error_of(t.run(t.store->accept(other))) == Errc::idempotency_mismatch);
        CHECK(t.counts().queued == 1);
        CHECK(accept(keyed(t.fn, "key")) == first.call.id);
    }
    SUBCASE("keys differ by function, by case and by every character") {
        const auto other_fn = t.add_fn(t.app, "other");
        Names ids;
        for (const auto& call :
             {keyed(t.fn, "key"), keyed(t.fn, "KEY"), keyed(t.fn, "key "), keyed(other_fn, "key")
             }) {
            CHECK(accept(call) == call.call.id);
        }
        CHECK(t.counts().queued == 4);
    }
    SUBCASE("after its lifetime a key is free, whether it was deleted by then or not") {
        accept(keyed(t.fn, "key"));
        t.clock.advance(lifetime - Millis(1));
        CHECK(t.run(t.store->forget_keys(10)) == 0);
        const auto early = keyed(t.fn, "key");
        CHECK(accept(early) != early.call.id);
        t.clock.advance(Millis(1));
        SUBCASE("deleted") { CHECK(t.run(t.store->forget_keys(10)) == 1); }
        SUBCASE("not deleted") {}
        const auto late = keyed(t.fn, "key", "another digest");
        CHECK(accept(late) == late.call.id);
        CHECK(t.counts().queued == 2);
    }
    SUBCASE("so many keys are deleted at a time") {
        for (int i = 0; i < 5; ++i) accept(keyed(t.fn, std::to_string(i)));
        t.clock.advance(lifetime);
        accept(keyed(t.fn, "young"));
        CHECK(t.run(t.store->forget_keys(3)) == 3);
        CHECK(t.run(t.store->forget_keys(3)) == 2);
        CHECK(t.run(t.store->forget_keys(3)) == 0);
    }
    SUBCASE("a key of a call that was not stored is not taken") {
        auto call = keyed(t.fn, "key");
        call.call.fn_id = t.ids.next();
        CHECK(error_of(t.run(t.store->accept(call))) == Errc::fn_not_found);
        const auto good = keyed(t.fn, "key");
        CHECK(accept(good) == good.call.id);
    }
    SUBCASE("a key outlives the process") {
        const auto first = keyed(t.fn, "key");
        accept(first);
        t.reopen();
        CHECK(accept(keyed(t.fn, "key")) == first.call.id);
    }
    SUBCASE("of many at once one call is made") {
        std::vector<std::future<Result<std::string>>> accepts;
        for (int i = 0; i < 50; ++i) {
            accepts.push_back(t.loop.start(t.store->accept(keyed(t.fn, "key"))));
        }
        std::set<std::string> ids;
        for (auto& each : accepts) ids.insert(each.get().value());
        CHECK(ids.size() == 1);
        CHECK(t.counts().queued == 1);
    }
}

}  // namespace stoker::test
