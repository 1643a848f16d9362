// The api's side of the runner protocol against workers that do what a script says: when a call
// goes to the next worker, and when it must not.

#include "api/runners/remote_invoker.hpp"

#include "tests/api/runners/invoker_fixture.hpp"
#include "tests/api/runners/scripted_worker.hpp"

namespace stoker::test {

namespace {

using Peer = ScriptedWorker::Peer;

/// Takes the call, reads its body of known size and answers with it, again and again.
void serve_well(Peer& peer) {
    for (;;) {
        const auto head = peer.head();
        if (head.empty()) return;
        peer.say(processing);
        peer.say(go_on);
        const auto body = peer.take_to("end");
        peer.say(good_answer(body));
    }
}
void refuse(Peer& peer) {
    if (!peer.head().empty()) peer.say(refusal("server_busy"));
}
void die_at_once(Peer& peer) { peer.head(); }
void die_while_it_waits(Peer& peer) {
    peer.head();
    peer.say(processing);
}
void die_with_the_call(Peer& peer) {
    peer.head();
    peer.say(go_on);
    peer.take_to("end");
}
void die_with_the_answer(Peer& peer) {
    peer.head();
    peer.say(go_on);
    peer.take_to("end");
    auto answer = good_answer("0123456789");
    answer.resize(answer.size() - 3);
    peer.say(answer);
}
void speak_another_version(Peer& peer) {
    if (peer.head().empty()) return;
    peer.say(
        "HTTP/1.1 200 OK\r\nStoker-Protocol: 2\r\nStoker-Outcome: refused\r\nContent-Length: 0\r\n"
        "\r\n"
    );
}
void be_something_else(Peer& peer) {
    if (!peer.head().empty()) peer.say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}

/// What became of a call with this worker first and a good one after it.
struct Outcome {
    Result<void> result;
    KeptAnswer answer;
    bool next_got_it = false;
};
Outcome offered_first_to(ScriptedWorker::Script script) {
    ScriptedWorker first(std::move(script));
    ScriptedWorker second(serve_well);
    InvokerFixture api({first.name(), second.name()});
    Outcome outcome;
    InlineBody body("the end");
    outcome.result = api.call(body, outcome.answer);
    outcome.next_got_it = second.connections() > 0;
    CHECK(first.connections() > 0);
    return outcome;
}

}  // namespace

TEST_CASE("RemoteInvoker: a worker that takes a call gets all of it, and its answer is passed on") {
    std::string head;
    const ScriptedWorker worker([&](Peer& peer) {
        head = peer.head();
        CHECK(peer.is_quiet());  // the body is held back
        peer.say(processing);
        peer.say(processing);
        peer.say(go_on);
        CHECK(peer.take_to("end") == "the end");
        peer.say(good_answer("well"));
        peer.wait_for_end();
    });
    InvokerFixture api({worker.name()});
    KeptAnswer answer;
    InlineBody body("the end");
    REQUIRE(api.call(body, answer));
    REQUIRE(answer.given);
    CHECK(answer.given->status == 200);
    CHECK(answer.given->headers == Headers{{"X-From", "worker"}});
    CHECK(answer.given->length == 4);
    CHECK(answer.body == "well");
    CHECK(answer.ended);
    CHECK(head.starts_with("POST /runner/calls HTTP/1.1\r\n"));
    for (const auto* line :
         {"Stoker-Protocol: 1\r\n",
          "Expect: 100-continue\r\n",
          "Content-Length: 7\r\n",
          "Stoker-H-X-Twice: a\r\nStoker-H-X-Twice: b\r\n",
          "Stoker-H-X-Latin: caf\xe9\r\n"}) {
        CAPTURE(line);
        CHECK(head.contains(line));
    }
}

TEST_CASE("RemoteInvoker: connections are kept for the next call") {
    const ScriptedWorker worker(serve_well);
    InvokerFixture api({worker.name()});
    // On one lane: a connection stays on its own.
    const auto several = [&]() -> Task<int> {
        int good = 0;
        for (int i = 0; i < 5; ++i) {
            KeptAnswer answer;
            InlineBody body("the end");
            const auto deadline = deadline_in(Millis{10'000});
            good += (co_await api.invoker.invoke(invocation_of(), body, answer, deadline)) &&
                            answer.body == "the end"
                        ? 1
                        : 0;
        }
        co_return good;
    };
    CHECK(run(several()) == 5);
    CHECK(worker.connections() == 1);
}

TEST_CASE("RemoteInvoker: before a function can have begun, the next worker gets the call") {
    for (const auto& script :
         {refuse, die_at_once, die_while_it_waits, speak_another_version, be_something_else}) {
        const auto outcome = offered_first_to(script);
        CHECK(outcome.result);
        CHECK(outcome.answer.body == "the end");
        CHECK(outcome.next_got_it);
    }
}

TEST_CASE("RemoteInvoker: a worker that is silent is passed over") {
    const auto outcome = offered_first_to([](Peer& peer) { peer.wait_for_end(); });
    CHECK(outcome.result);
    CHECK(outcome.answer.body == "the end");
}

TEST_CASE("RemoteInvoker: once a function may have begun, no other worker gets the call") {
    SUBCASE("its worker dies before the answer") {
        const auto outcome = offered_first_to(die_with_the_call);
        REQUIRE_FALSE(outcome.result);
        CHECK(outcome.result.error().code == Errc::worker_lost);
        CHECK(spec_of(outcome.result.error().code).status == 502);
        CHECK_FALSE(outcome.answer.given);
        CHECK_FALSE(outcome.next_got_it);
    }
    SUBCASE("its worker dies within the answer") {
        const auto outcome = offered_first_to(die_with_the_answer);
        REQUIRE_FALSE(outcome.result);
        CHECK(outcome.result.error().code == Errc::worker_lost);
        CHECK(outcome.answer.given);
        CHECK_FALSE(outcome.answer.ended);
        CHECK_FALSE(outcome.next_got_it);
    }
    SUBCASE("its worker answers nonsense") {
        const auto outcome = offered_first_to([](Peer& peer) {
            peer.head();
            peer.say(go_on);
            peer.take_to("end");
            peer.say("SSH-2.0-x\r\n\r\n");
        });
        REQUIRE_FALSE(outcome.result);
        CHECK(outcome.result.error().code == Errc::worker_lost);
        CHECK_FALSE(outcome.next_got_it);
    }
    SUBCASE("the function fails") {
        const auto outcome = offered_first_to([](Peer& peer) {
            peer.head();
            peer.say(go_on);
            peer.take_to("end");
            peer.say(answer_of("error", R"({"code":"function_timeout","message":"Timed out"})"));
        });
        REQUIRE_FALSE(outcome.result);
        CHECK(outcome.result.error().code == Errc::function_timeout);
        CHECK(outcome.result.error().message == "Timed out");
        CHECK_FALSE(outcome.next_got_it);
    }
}

TEST_CASE("RemoteInvoker: an answer counts although its worker took no more of the body") {
    const ScriptedWorker worker([](Peer& peer) {
        peer.head();
        peer.say(go_on);
        peer.take_to("x");
        peer.say(good_answer("early"));  // and closes
    });
    InvokerFixture api({worker.name()});
    const std::string large(5'000'000, 'x');
    for (int i = 0; i < 50; ++i) {
        KeptAnswer answer;
        InlineBody body(large);
        CHECK(api.call(body, answer));
        CHECK(answer.body == "early");
    }
}

TEST_CASE("RemoteInvoker: an error that no worker would do better with is the answer") {
    const auto outcome = offered_first_to([](Peer& peer) {
        peer.head();
        peer.say(answer_of("error", R"({"code":"image_not_found","message":"Image not found"})"));
    });
    REQUIRE_FALSE(outcome.result);
    CHECK(outcome.result.error().code == Errc::image_not_found);
    CHECK_FALSE(outcome.next_got_it);
}

TEST_CASE("RemoteInvoker: nothing of the body is read before a worker has a container for it") {
    ScriptedWorker first(refuse);
    ScriptedWorker second([](Peer& peer) {
        peer.head();
        peer.say(go_on);
        CHECK(peer.take_to("0\r\n\r\n") == "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
        peer.say(good_answer("well"));
        peer.wait_for_end();
    });
    InvokerFixture api({first.name(), second.name()});
    PiecedBody body({"abc", "defg"});
    KeptAnswer answer;
    REQUIRE(api.call(body, answer));
    CHECK(answer.body == "well");
    CHECK(body.reads == 3);
}

TEST_CASE("RemoteInvoker: all refuse until one takes it") {
    std::atomic<int> offers{0};
    const auto later = [&](Peer& peer) {
        if (++offers < 6) return refuse(peer);
        serve_well(peer);
    };
    ScriptedWorker first(later);
    ScriptedWorker second(later);
    InvokerFixture api({first.name(), second.name()});
    KeptAnswer answer;
    InlineBody body("the end");
    REQUIRE(api.call(body, answer));
    CHECK(answer.body == "the end");
    CHECK(offers == 6);
}

TEST_CASE("RemoteInvoker: what all say until the time is over is the answer") {
    SUBCASE("too busy") {
        const ScriptedWorker worker(refuse);
        InvokerFixture api({worker.name()});
        KeptAnswer answer;
        InlineBody body("x");
        CHECK(api.call(body, answer, Millis{100}).error().code == Errc::server_busy);
        CHECK(worker.connections() > 1);
    }
    SUBCASE("too small for it, or its engine fails: no time makes that better") {
        for (const auto code : {Errc::impossible_memory, Errc::engine_failed}) {
            const auto script = [code](Peer& peer) {
                peer.head();
                peer.say(refusal(spec_of(code).word));
            };
            const ScriptedWorker first(script);
            const ScriptedWorker second(script);
            InvokerFixture api({first.name(), second.name()});
            KeptAnswer answer;
            InlineBody body("x");
            CHECK(api.call(body, answer).error().code == code);
            CHECK(first.connections() == 1);
            CHECK(second.connections() == 1);
        }
    }
    SUBCASE("there is none, or none that answers") {
        InvokerFixture none({});
        InvokerFixture dead({"127.0.0.1:1"});
        for (auto* api : {&none, &dead}) {
            KeptAnswer answer;
            InlineBody body("x");
            CHECK(api->call(body, answer).error().code == Errc::no_worker);
        }
    }
}

TEST_CASE("RemoteInvoker: a client that leaves ends its call") {
    const ScriptedWorker worker([](Peer& peer) {
        peer.head();
        peer.say(go_on);
        peer.take_to("end");
        peer.say(good_answer("for nobody"));
        peer.wait_for_end();
    });
    InvokerFixture api({worker.name()});
    KeptAnswer answer;
    answer.client_gone = true;
    InlineBody body("the end");
    CHECK(api.call(body, answer).error().text() == "Client cancelled context");
}

}  // namespace stoker::test
