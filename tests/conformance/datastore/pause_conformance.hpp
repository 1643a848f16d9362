#pragma once

// What operators do: functions paused, resumed and purged, dead letters found and read again.

#include "tests/conformance/datastore/store_fixture.hpp"

namespace stoker::test {

TEST_CASE_TEMPLATE_DEFINE("Datastore: paused functions", Backend, datastore_pauses) {
    Fixture<Backend> t;
    const auto other = t.add_fn(t.app, "other");
    const auto claimable = [&](const std::string& id) {
        const auto claimed = t.run(t.store->claim("worker-1", {id}));
        REQUIRE(claimed);
        return !claimed->empty();
    };
    const auto to_be_put = [&] {
        DeliveredBefore delivered;
        delivered.of_priority.fill(t.clock.now());
        auto step = t.run(t.store->redispatch("", 100, delivered, Millis(20'000)));
        REQUIRE(step);
        Names found;
        for (const auto& call : step->lost) found.push_back(call.id);
        return found;
    };
    const auto pause = [&] {
        const auto paused = t.run(t.store->pause_fn(t.fn.id));
        REQUIRE(paused);
        CHECK(paused->paused);
        CHECK(t.run(t.store->get_fn(t.fn.id))->paused);
    };

    SUBCASE("what waits is held, says so, and is put when it is resumed") {
        const auto held = t.accept();
        const auto free = t.accept(other);
        pause();
        CHECK_FALSE(claimable(held));
        CHECK(t.status_of(held) == CallStatus::queued);
        CHECK_FALSE(t.get(held).waiting_for.empty());
        CHECK(ids_of(t.run(t.store->list_queued("", 10))) == Names{free});
        CHECK(claimable(free));
        CHECK(t.counts().queued == 1);
        t.clock.advance(Millis(60'000));
        CHECK(to_be_put().empty());

        const auto resumed = t.run(t.store->resume_fn(t.fn.id));
        REQUIRE(resumed);
        CHECK_FALSE(resumed->paused);
        CHECK(t.get(held).waiting_for.empty());
        CHECK(to_be_put() == Names{held});
        CHECK(to_be_put().empty());
        CHECK(ids_of(t.run(t.store->list_queued("", 10))) == Names{held});
        CHECK(claimable(held));
    }
    SUBCASE("calls that come to wait while it is paused are held, whatever brought them there") {
        const auto handed_back = t.run_one();
        const auto lost = t.run_one("gone");
        auto made = t.new_call();
        made.call.status = CallStatus::delayed;
        made.call.run_at = t.clock.now() + Millis(10);
        REQUIRE(t.run(t.store->accept(made)));
        pause();
        const auto accepted = t.accept();
        t.clock.advance(Millis(10));
        t.add_worker("worker-1");
        REQUIRE(t.run(t.store->hand_back(handed_back)) == true);
        REQUIRE(t.run(t.store->sweep_lost(t.grace))->size() == 1);
        REQUIRE(t.run(t.store->release_due(10))->due.size() == 1);
        for (const auto& id : {handed_back.call_id, lost.call_id, made.call.id, accepted}) {
            CAPTURE(id);
            CHECK(t.status_of(id) == CallStatus::queued);
            CHECK_FALSE(claimable(id));
        }
        REQUIRE(t.run(t.store->resume_fn(t.fn.id)));
        CHECK(to_be_put().size() == 4);
        CHECK(claimable(accepted));
        CHECK(claimable(handed_back.call_id));
    }
    SUBCASE("a call that runs goes on, and held ones can be cancelled") {
        const auto fence = t.run_one();
        const auto held = t.accept();
        pause();
        CHECK(t.run(t.store->cancel(Scope::all(), held))->status == CallStatus::cancelled);
        CHECK(t.run(t.store->finish(t.success(fence))) == true);
    }
    SUBCASE("a change of the fn leaves it paused; pausing twice is pausing once") {
        pause();
        pause();
        FnPatch patch;
        patch.memory = 256;
        CHECK(t.run(t.store->update_fn(t.fn.id, patch))->paused);
        t.reopen();
        CHECK(t.run(t.store->get_fn(t.fn.id))->paused);
        CHECK_FALSE(claimable(t.accept()));
    }
    SUBCASE("a purge cancels what waits or is delayed, of this fn only") {
        const auto waiting = t.accept();
        auto made = t.new_call();
        made.call.status = CallStatus::delayed;
        made.call.run_at = t.clock.now() + Millis(10);
        REQUIRE(t.run(t.store->accept(made)));
        const auto running = t.run_one();
        const auto of_other = t.accept(other);
        const auto purged = t.run(t.store->purge_fn(t.fn.id));
        REQUIRE(purged);
        CHECK(purged->size() == 2);
        CHECK(t.status_of(waiting) == CallStatus::cancelled);
        CHECK(t.status_of(made.call.id) == CallStatus::cancelled);
        CHECK(t.status_of(running.call_id) == CallStatus::running);
        CHECK(t.status_of(of_other) == CallStatus::queued);
        CHECK(t.run(t.store->get_fn(t.fn.id)).has_value());
    }
    SUBCASE("an unknown fn is said so") {
        CHECK(error_of(t.run(t.store->pause_fn("none"))) == Errc::fn_not_found);
        CHECK(error_of(t.run(t.store->resume_fn("none"))) == Errc::fn_not_found);
        CHECK(error_of(t.run(t.store->purge_fn("none"))) == Errc::fn_not_found);
    }
}

TEST_CASE_TEMPLATE_DEFINE("Datastore: dead letters", Backend, datastore_dead) {
    Fixture<Backend> t;
    const auto other = t.add_fn(t.app, "other");
    const auto ended = [&](const Fn& fn, Errc code) {
        FinishedCall finished;
        finished.fence = t.claim(t.accept(fn));
        finished.end = end_of({.code = code, .message = {}, .detail = {}});
        REQUIRE(t.run(t.store->finish(finished)) == true);
        return finished.fence.call_id;
    };
    const auto list = [&](const Scope& scope, const CallFilter& filter) {
        return ids_of(t.run(t.store->list_calls(scope, filter, {})));
    };

    SUBCASE("the dead are those that ended badly, of all fns or of one") {
        const auto failed = ended(t.fn, Errc::function_failed);
        const auto late = ended(other, Errc::function_timeout);
        const auto killed = ended(t.fn, Errc::out_of_memory);
        ended(t.fn, Errc::cancelled);
        REQUIRE(t.run(t.store->finish(t.success(t.run_one()))) == true);
        t.accept();
        CallFilter dead;
        dead.only_dead = true;
        CHECK(list(Scope::all(), dead) == Names{killed, late, failed});
        CHECK(list(Scope::fn(t.fn.id), dead) == Names{killed, failed});
        CHECK(list(Scope::app(t.app.id), dead) == Names{killed, late, failed});
        dead.error_code = "function_failed";
        CHECK(list(Scope::all(), dead) == Names{failed});
        CHECK(list(Scope::fn(other.id), dead).empty());
        CallFilter by_code;
        by_code.error_code = "cancelled";
        CHECK(list(Scope::fn(t.fn.id), by_code).size() == 1);
    }
    SUBCASE("what the caller sent can be read again, large or small, in its scope") {
        for (const std::size_t size : {10U, 1U << 20U}) {
            auto made = t.new_call();
            made.request.body = BodyRef::of(std::string(size, 'p'));
            REQUIRE(t.run(t.store->accept(made)));
            const auto request = t.run(t.store->get_request(Scope::fn(t.fn.id), made.call.id));
            REQUIRE(request);
            CHECK(request->method == made.request.method);
            CHECK(request->url == made.request.url);
            CHECK(request->headers == made.request.headers);
            CHECK(request->content_type == made.request.content_type);
            CHECK(request->body == made.request.body);
            const auto elsewhere = t.run(t.store->get_request(Scope::fn(other.id), made.call.id));
            CHECK(error_of(elsewhere) == Errc::call_not_found);
        }
        const auto unknown = t.run(t.store->get_request(Scope::all(), "none"));
        CHECK(error_of(unknown) == Errc::call_not_found);
    }
    SUBCASE("a call knows which one it repeats") {
        auto made = t.new_call();
        made.call.redriven_from = ended(t.fn, Errc::function_failed);
        REQUIRE(t.run(t.store->accept(made)));
        CHECK(t.get(made.call.id) == made.call);
    }
}

}  // namespace stoker::test
