#pragma once

// Attempts that are not the last.

#include "tests/conformance/datastore/store_fixture.hpp"

namespace stoker::test {

TEST_CASE_TEMPLATE_DEFINE("Datastore: retries", Backend, datastore_retries) {
    Fixture<Backend> t;
    t.add_worker("worker-1");
    const auto failed = [&](Fence fence) {
        auto attempt = t.success(std::move(fence), "sorry");
        attempt.end = {CallStatus::error, "it failed", "function_failed"};
        return attempt;
    };

    SUBCASE("the policy is kept with the fn, and with the call as it was at its accept") {
        RetryPolicy policy{.max_attempts = 7, .on = {}, .base_ms = 5, .cap_ms = 50};
        policy.on.add(RetryOutcome::timeout).add(RetryOutcome::server_error);
        auto fn = t.new_fn(t.app, "retrying");
        fn.retry = policy;
        REQUIRE(t.run(t.store->insert_fn(fn)));
        CHECK(t.run(t.store->get_fn(fn.id))->retry == policy);
        auto accepted = t.new_call(fn);
        accepted.call.retry_on = policy.on;
        accepted.call.retry_base_ms = policy.base_ms;
        accepted.call.retry_cap_ms = policy.cap_ms;
        REQUIRE(t.run(t.store->accept(accepted)));
        FnPatch patch;
        patch.retry = RetryPolicy{.max_attempts = 2};
        CHECK(t.run(t.store->update_fn(fn.id, patch))->retry == *patch.retry);
        CHECK(t.run(t.store->get_fn(fn.id))->retry == *patch.retry);
        const auto claimed = t.run(t.store->claim("worker-1", {accepted.call.id}));
        REQUIRE(claimed);
        CHECK(claimed->at(0).call.retry() == policy);
    }
    SUBCASE("a retried call is delayed, shows why, and is a higher attempt when it is due") {
        const auto fence = t.run_one();
        CHECK(t.run(t.store->retry(failed(fence), Millis(500))) == true);
        const auto call = t.get(fence.call_id);
        CHECK(call.status == CallStatus::delayed);
        CHECK(call.attempt == 1);
        CHECK(call.max_attempts == t.fn.retry.max_attempts);
        CHECK(call.run_at == t.clock.now() + Millis(500));
        CHECK(call.error == "it failed");
        CHECK(call.error_code == "function_failed");
        CHECK_FALSE(call.claimed_at);
        CHECK_FALSE(call.started_at);
        CHECK_FALSE(call.completed_at);
        CHECK(t.counts().delayed == 1);
        CHECK(t.counts().running == 0);

        t.clock.advance(Millis(500));
        CHECK(t.run(t.store->release_due(10))->due.at(0).attempt == 1);
        const auto again = t.claim(fence.call_id, "worker-2");
        CHECK(again.attempt == 2);
        CHECK(t.get(fence.call_id).error.empty());
        CHECK(t.get(fence.call_id).error_code.empty());
        REQUIRE(t.run(t.store->finish(t.success(again, "well"))) == true);
        const auto response = t.run(t.store->get_response(Scope::all(), fence.call_id));
        REQUIRE(response);
        CHECK(response->body.bytes == "well");
    }
    SUBCASE("its log can be read while it is delayed, an answer it has only at its end") {
        const auto fence = t.run_one();
        REQUIRE(t.run(t.store->retry(failed(fence), Millis(500))) == true);
        const auto log = t.run(t.store->get_log(Scope::all(), fence.call_id, 0));
        REQUIRE(log);
        REQUIRE(log->size() == 1);
        CHECK(log->at(0).data == "line\n");
        const auto response = t.run(t.store->get_response(Scope::all(), fence.call_id));
        CHECK(error_of(response) == Errc::call_response_not_found);
    }
    SUBCASE("who does not hold the call retries nothing; the same write again is told it won") {
        const auto fence = t.run_one();
        const auto before = t.get(fence.call_id);
        CHECK(t.run(t.store->retry(failed({fence.call_id, "worker-2", 1}), Millis(1))) == false);
        CHECK(t.run(t.store->retry(failed({fence.call_id, "worker-1", 2}), Millis(1))) == false);
        CHECK(t.get(fence.call_id) == before);
        CHECK(t.run(t.store->retry(failed(fence), Millis(1))) == true);
        CHECK(t.run(t.store->retry(failed(fence), Millis(1))) == true);
        CHECK(t.run(t.store->finish(t.success(fence))) == false);
        t.clock.advance(Millis(1));
        CHECK(t.run(t.store->release_due(10))->due.size() == 1);
        CHECK(t.run(t.store->retry(failed(fence), Millis(1))) == true);
        CHECK(t.status_of(fence.call_id) == CallStatus::queued);
        const auto again = t.claim(fence.call_id, "worker-2");
        CHECK(t.run(t.store->retry(failed(fence), Millis(1))) == false);
        REQUIRE(t.run(t.store->finish(t.success(again))) == true);
        CHECK(t.run(t.store->retry(failed(again), Millis(1))) == false);
        CHECK(t.counts().delayed == 0);
    }
    SUBCASE("a call that was to be cancelled is not run again") {
        const auto fence = t.run_one();
        REQUIRE(t.run(t.store->cancel(Scope::all(), fence.call_id)));
        CHECK(t.run(t.store->retry(failed(fence), Millis(1))) == true);
        const auto call = t.get(fence.call_id);
        CHECK(call.status == CallStatus::cancelled);
        CHECK(call.error_code == "cancelled");
        CHECK(call.completed_at == t.clock.now());
        CHECK(t.counts().delayed == 0);
        CHECK(t.counts().running == 0);
    }
    SUBCASE("an answer as large as a file is kept and given up without a trace of it") {
        const auto fence = t.run_one();
        auto attempt = failed(fence);
        attempt.response->body = BodyRef::of(std::string(2U << 20U, 'r'));
        CHECK(t.run(t.store->retry(attempt, Millis(0))) == true);
        REQUIRE(t.run(t.store->release_due(10)));
        const auto again = t.claim(fence.call_id);
        REQUIRE(t.run(t.store->finish(t.success(again, "small"))) == true);
        const auto response = t.run(t.store->get_response(Scope::all(), fence.call_id));
        CHECK(response->body.bytes == "small");
    }
}

}  // namespace stoker::test
