#pragma once

// The life of single calls in a Datastore: every transition, and the fence that guards it.

#include <limits>

#include "tests/conformance/datastore/store_fixture.hpp"

namespace stoker::test {

TEST_CASE_TEMPLATE_DEFINE("Datastore: accept and claim", Backend, datastore_accept) {
    Fixture<Backend> t;

    SUBCASE("an accepted call can be read at once, as it was accepted") {
        auto accepted = t.new_call();
        accepted.call.priority = 2;
        REQUIRE(t.run(t.store->accept(accepted)));
        CHECK(t.get(accepted.call.id) == accepted.call);
        CHECK(t.counts().queued == 1);
    }
    SUBCASE("accepting the same id again is the same call") {
        const auto accepted = t.new_call();
        REQUIRE(t.run(t.store->accept(accepted)));
        CHECK(t.run(t.store->accept(accepted)).has_value());
        CHECK(t.counts().queued == 1);
        const auto fence = t.claim(accepted.call.id);
        CHECK(t.run(t.store->accept(accepted)).has_value());
        CHECK(t.status_of(fence.call_id) == CallStatus::running);
    }
    SUBCASE("a call of an fn that is gone is refused, and leaves nothing") {
        auto accepted = t.new_call();
        accepted.call.fn_id = t.ids.next();
        CHECK(error_of(t.run(t.store->accept(accepted))) == Errc::fn_not_found);
        const auto read = t.run(t.store->get_call(Scope::all(), accepted.call.id));
        CHECK(error_of(read) == Errc::call_not_found);
        CHECK(t.counts().queued == 0);
    }
    SUBCASE("a claim hands out the call, its request and its fn") {
        const auto accepted = t.new_call();
        REQUIRE(t.run(t.store->accept(accepted)));
        t.clock.advance(Millis(5));
        const auto claimed = t.run(t.store->claim("worker-1", {accepted.call.id}));
        REQUIRE(claimed);
        REQUIRE(claimed->size() == 1);
        const auto& [call, request, fn] = claimed->front();
        CHECK(call.status == CallStatus::running);
        CHECK(call.phase == CallPhase::slot);
        CHECK(call.attempt == 1);
        CHECK(call.claimed_at == t.clock.now());
        CHECK(request.method == accepted.request.method);
        CHECK(request.url == accepted.request.url);
        CHECK(request.headers == accepted.request.headers);
        CHECK(request.content_type == accepted.request.content_type);
        CHECK(request.body == accepted.request.body);
        REQUIRE(fn);
        CHECK(fn->app_name == "app");
        CHECK(fn->fn_name == "fn");
        CHECK(t.get(call.id) == call);
        CHECK(t.counts().queued == 0);
        CHECK(t.counts().running == 1);
    }
    SUBCASE("a call is claimed once; ids that are unknown or taken are passed over") {
        const auto first = t.accept();
        const auto second = t.accept();
        t.claim(first, "worker-1");
        const auto claimed = t.run(t.store->claim("worker-2", {first, "none", second, second}));
        REQUIRE(claimed);
        REQUIRE(claimed->size() == 1);
        CHECK(claimed->front().call.id == second);
    }
    SUBCASE("limits are those of the accept, configuration is that of the claim") {
        const auto id = t.accept();
        FnPatch patch;
        patch.image = "registry.example/fn:2";
        patch.format = FnFormat::json;
        patch.memory = 512;
        patch.cpus = 100;
        patch.tmpfs_size = 5;
        patch.max_concurrency = 6;
        patch.timeout = 60;
        patch.config = {{"KEY", "new"}};
        REQUIRE(t.run(t.store->update_fn(t.fn.id, patch)));
        AppPatch app_patch;
        app_patch.config = {{"KEY", "of app"}, {"APP", "1"}};
        REQUIRE(t.run(t.store->update_app(t.app.id, app_patch)));
        const auto claimed = t.run(t.store->claim("worker-1", {id}));
        REQUIRE(claimed);
        const auto& fn = claimed->at(0).fn;
        REQUIRE(fn);
        CHECK(fn->image == t.fn.image);
        CHECK(fn->format == t.fn.format);
        CHECK(fn->memory_mb == t.fn.memory);
        CHECK(fn->milli_cpus == t.fn.cpus);
        CHECK(fn->tmpfs_mb == t.fn.tmpfs_size);
        CHECK(fn->max_concurrency == 6);
        CHECK(fn->timeout_s == t.fn.timeout);
        CHECK(fn->config == Config{{"APP", "1"}, {"KEY", "new"}});
    }
    SUBCASE("each claim sees the configuration as it is then") {
        for (const auto* value : {"1", "2", "3"}) {
            FnPatch patch;
            patch.config = {{"KEY", value}};
            REQUIRE(t.run(t.store->update_fn(t.fn.id, patch)));
            const auto claimed = t.run(t.store->claim("worker-1", {t.accept()}));
            REQUIRE(claimed);
            CHECK(claimed->at(0).fn->config.at("KEY") == value);
        }
    }
    SUBCASE("a call whose fn was deleted while it ran is claimed again without an fn") {
        const auto fence = t.run_one();
        REQUIRE(t.run(t.store->delete_fn(t.fn.id)));
        REQUIRE(t.run(t.store->hand_back(fence)) == true);
        const auto claimed = t.run(t.store->claim("worker-1", {fence.call_id}));
        REQUIRE(claimed);
        CHECK(claimed->at(0).fn == nullptr);
    }
    SUBCASE("bodies of any size and any bytes come back as they were") {
        for (const std::size_t size : {0U, 1U, 4000U, 1U << 20U, 3U << 20U}) {
            std::string bytes(size, '\0');
            for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 251);
            auto accepted = t.new_call();
            accepted.request.body = BodyRef::of(bytes);
            REQUIRE(t.run(t.store->accept(accepted)));
            const auto claimed = t.run(t.store->claim("worker-1", {accepted.call.id}));
            REQUIRE(claimed);
            CHECK((claimed->at(0).request.body == BodyRef::of(bytes)));
            const Fence fence{accepted.call.id, "worker-1", 1};
            REQUIRE(t.run(t.store->finish(t.success(fence, bytes))) == true);
            const auto response = t.run(t.store->get_response(Scope::all(), fence.call_id));
            REQUIRE(response);
            CHECK((response->body == BodyRef::of(bytes)));
        }
    }
}

TEST_CASE_TEMPLATE_DEFINE("Datastore: finish and hand back", Backend, datastore_finish) {
    Fixture<Backend> t;

    SUBCASE("the end, the response and the last log stand together") {
        const auto fence = t.run_one();
        t.clock.advance(Millis(40));
        const auto finished = t.success(fence);
        t.clock.advance(Millis(2));
        CHECK(t.run(t.store->finish(finished)) == true);
        const auto call = t.get(fence.call_id);
        CHECK(call.status == CallStatus::success);
        CHECK(call.error.empty());
        CHECK(call.started_at == finished.started_at);
        CHECK(call.completed_at == t.clock.now());
        CHECK_FALSE(call.stats);
        const auto response = t.run(t.store->get_response(Scope::all(), fence.call_id));
        REQUIRE(response);
        CHECK(response->status == 200);
        CHECK(response->head == finished.response->head);
        CHECK(response->body.bytes == "answer");
        const auto log = t.run(t.store->get_log(Scope::all(), fence.call_id, 0));
        REQUIRE(log);
        REQUIRE(log->size() == 1);
        CHECK(log->front().data == "line\n");
        CHECK(log->front().stream == LogStream::err);
        CHECK(t.counts().running == 0);
    }
    SUBCASE("what it used stands with the call") {
        const auto fence = t.run_one();
        auto finished = t.success(fence);
        finished.stats = CallStats{1, 2, 3, 4, 5, std::numeric_limits<std::uint64_t>::max()};
        CHECK(t.run(t.store->finish(finished)) == true);
        CHECK(t.get(fence.call_id).stats == finished.stats);
    }
    SUBCASE("an end without an answer has no response") {
        const auto fence = t.run_one();
        FinishedCall finished;
        finished.fence = fence;
        finished.end = end_of({.code = Errc::function_timeout, .message = {}, .detail = {}});
        CHECK(t.run(t.store->finish(finished)) == true);
        const auto call = t.get(fence.call_id);
        CHECK(call.status == CallStatus::timeout);
        CHECK(call.error == finished.end.error);
        CHECK(call.error_code == "function_timeout");
        const auto response = t.run(t.store->get_response(Scope::all(), fence.call_id));
        CHECK(error_of(response) == Errc::call_response_not_found);
    }
    SUBCASE("who does not hold the call changes nothing") {
        const auto fence = t.run_one();
        const auto before = t.get(fence.call_id);
        for (const Fence& wrong :
             {Fence{fence.call_id, "worker-2", 1},
              Fence{fence.call_id, "worker-1", 2},
              Fence{"none", "worker-1", 1}}) {
            CHECK(t.run(t.store->finish(t.success(wrong))) == false);
            CHECK(t.run(t.store->hand_back(wrong)) == false);
            CallProgress entry{wrong, CallPhase::executing, t.clock.now(), {}};
            entry.logs = {{0, t.clock.now(), LogStream::out, "stray"}};
            CHECK(t.run(t.store->progress({entry})).has_value());
        }
        CHECK(t.get(fence.call_id) == before);
        CHECK(t.run(t.store->get_log(Scope::all(), fence.call_id, 0))->empty());
        const auto response = t.run(t.store->get_response(Scope::all(), fence.call_id));
        CHECK(error_of(response) == Errc::call_response_not_found);
        CHECK(t.counts().running == 1);
    }
    SUBCASE("an end is written once; the same write again is told it won") {
        const auto fence = t.run_one();
        REQUIRE(t.run(t.store->finish(t.success(fence, "first"))) == true);
        const auto before = t.get(fence.call_id);
        t.clock.advance(Millis(1000));
        CHECK(t.run(t.store->finish(t.success(fence, "first"))) == true);
        auto other_end = t.success(fence, "second");
        other_end.end = {CallStatus::error, "late", "function_failed"};
        CHECK(t.run(t.store->finish(other_end)) == false);
        CHECK(t.get(fence.call_id) == before);
        const auto response = t.run(t.store->get_response(Scope::all(), fence.call_id));
        REQUIRE(response);
        CHECK(response->body.bytes == "first");
        CHECK(t.counts().running == 0);
    }
    SUBCASE("a hand-back waits again and costs no attempt") {
        const auto fence = t.run_one();
        CHECK(t.run(t.store->hand_back(fence)) == true);
        CHECK(t.run(t.store->hand_back(fence)) == true);
        const auto call = t.get(fence.call_id);
        CHECK(call.status == CallStatus::queued);
        CHECK(call.attempt == 1);
        CHECK(call.max_attempts == t.fn.retry.max_attempts + 1);
        CHECK_FALSE(call.claimed_at);
        CHECK(t.counts().queued == 1);
        CHECK(t.counts().running == 0);
        CHECK(t.run(t.store->finish(t.success(fence))) == false);
        CHECK(t.claim(fence.call_id, "worker-2").attempt == 2);
    }
    SUBCASE("progress shows the phase, the start and the log while it runs") {
        const auto fence = t.run_one();
        CallProgress entry{fence, CallPhase::executing, t.clock.now(), {}};
        entry.logs = {
            {0, t.clock.now(), LogStream::out, "a"}, {1, t.clock.now(), LogStream::out, "b"}
        };
        REQUIRE(t.run(t.store->progress({entry})));
        REQUIRE(t.run(t.store->progress({entry})));
        const auto call = t.get(fence.call_id);
        CHECK(call.phase == CallPhase::executing);
        CHECK(call.waiting_for.empty());
        CHECK(call.started_at == t.clock.now());
        const auto log = t.run(t.store->get_log(Scope::all(), fence.call_id, 1));
        REQUIRE(log);
        REQUIRE(log->size() == 1);
        CHECK(log->front().data == "b");
    }
    SUBCASE("what is printed after the end still joins the log of that attempt") {
        const auto fence = t.run_one();
        REQUIRE(t.run(t.store->finish(t.success(fence))) == true);
        const auto before = t.get(fence.call_id);
        CallProgress late{fence, CallPhase::executing, t.clock.now(), {}};
        late.logs = {{1, t.clock.now(), LogStream::out, "late"}};
        REQUIRE(t.run(t.store->progress({late})));
        CHECK(t.get(fence.call_id) == before);
        const auto log = t.run(t.store->get_log(Scope::all(), fence.call_id, 1));
        REQUIRE(log);
        REQUIRE(log->size() == 1);
        CHECK(log->front().data == "late");
    }
    SUBCASE("log and response are those of the latest attempt") {
        const auto first = t.run_one();
        CallProgress entry{first, CallPhase::executing, t.clock.now(), {}};
        entry.logs = {{0, t.clock.now(), LogStream::out, "of the first"}};
        REQUIRE(t.run(t.store->progress({entry})));
        REQUIRE(t.run(t.store->hand_back(first)) == true);
        const auto second = t.claim(first.call_id, "worker-2");
        CHECK(t.run(t.store->get_log(Scope::all(), first.call_id, 0))->empty());
        REQUIRE(t.run(t.store->finish(t.success(second, "of the second"))) == true);
        CHECK(t.run(t.store->get_log(Scope::all(), first.call_id, 0))->at(0).data == "line\n");
        const auto response = t.run(t.store->get_response(Scope::all(), first.call_id));
        CHECK(response->body.bytes == "of the second");
    }
}

TEST_CASE_TEMPLATE_DEFINE("Datastore: cancel", Backend, datastore_cancel) {
    Fixture<Backend> t;
    t.add_worker("worker-1");

    SUBCASE("a waiting call is cancelled at once and never runs") {
        const auto id = t.accept();
        const auto cancelled = t.run(t.store->cancel(Scope::all(), id));
        REQUIRE(cancelled);
        CHECK(cancelled->status == CallStatus::cancelled);
        CHECK(cancelled->error_code == "cancelled");
        CHECK(cancelled->completed_at == t.clock.now());
        CHECK(t.run(t.store->cancel(Scope::all(), id)) == *cancelled);
        CHECK(t.run(t.store->claim("worker-1", {id}))->empty());
        CHECK(t.counts().queued == 0);
    }
    SUBCASE("a running call runs on with the wish recorded, and its worker hears of it") {
        const auto fence = t.run_one();
        const auto wished = t.run(t.store->cancel(Scope::all(), fence.call_id));
        REQUIRE(wished);
        CHECK(wished->status == CallStatus::running);
        CHECK(wished->cancel_requested);
        CHECK(t.get(fence.call_id).cancel_requested);
        const auto heard = t.run(t.store->heartbeat("worker-1", t.lease));
        REQUIRE(heard);
        CHECK(heard->cancel_calls == Names{fence.call_id});
        CHECK(t.run(t.store->finish(t.success(fence))) == true);
        CHECK(t.status_of(fence.call_id) == CallStatus::success);
    }
    SUBCASE("what an attempt waits for is told until it executes or is handed back") {
        const auto fence = t.run_one();
        const auto report = [&](CallPhase phase, std::string why) {
            CallProgress entry{fence, phase, std::nullopt, {}, std::move(why)};
            REQUIRE(t.run(t.store->progress({entry})));
            return t.get(fence.call_id).waiting_for;
        };
        CHECK(report(CallPhase::pulling, "image x: 1 of 2 MB") == "image x: 1 of 2 MB");
        CHECK(report(CallPhase::executing, "") == "");
        CHECK(report(CallPhase::pulling, "image x: 2 of 2 MB") == "image x: 2 of 2 MB");
        REQUIRE(t.run(t.store->hand_back(fence)) == true);
        CHECK(t.get(fence.call_id).waiting_for.empty());
    }
    SUBCASE("a hand-back counts as an attempt only when it is said to") {
        const auto before = t.get(t.accept()).max_attempts;
        for (const auto how : {HandBack::uncounted, HandBack::counted}) {
            const auto fence = t.run_one();
            REQUIRE(t.run(t.store->hand_back(fence, how)) == true);
            REQUIRE(t.run(t.store->hand_back(fence, how)) == true);
            const auto call = t.get(fence.call_id);
            CHECK(call.status == CallStatus::queued);
            CHECK(call.attempt == 1);
            CHECK(call.max_attempts == before + (how == HandBack::uncounted ? 1 : 0));
        }
    }
    SUBCASE("a call that was to be cancelled is not queued again by a hand-back") {
        const auto fence = t.run_one();
        REQUIRE(t.run(t.store->cancel(Scope::all(), fence.call_id)));
        CHECK(t.run(t.store->hand_back(fence)) == true);
        CHECK(t.status_of(fence.call_id) == CallStatus::cancelled);
        CHECK(t.counts().queued == 0);
        CHECK(t.counts().running == 0);
    }
    SUBCASE("a call that has ended stays as it is") {
        const auto fence = t.run_one();
        REQUIRE(t.run(t.store->finish(t.success(fence))) == true);
        const auto before = t.get(fence.call_id);
        CHECK(t.run(t.store->cancel(Scope::all(), fence.call_id)) == before);
        CHECK(t.get(fence.call_id) == before);
    }
    SUBCASE("an unknown call is said so") {
        CHECK(error_of(t.run(t.store->cancel(Scope::all(), "none"))) == Errc::call_not_found);
    }
}

}  // namespace stoker::test
