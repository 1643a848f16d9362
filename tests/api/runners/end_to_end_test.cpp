// Both sides of the runner protocol over a real connection: what the api sends is what the worker's
// Invoker gets, and the other way round.

#include "common/http/server.hpp"
#include "common/http/server_answer.hpp"
#include "model/runner_protocol.hpp"
#include "tests/api/fakes.hpp"
#include "tests/api/runners/invoker_fixture.hpp"
#include "worker/runner/runner_endpoint.hpp"

namespace stoker::test {

namespace {

/// A runner endpoint on loopback over a scripted Invoker.
class Endpoint final : public HttpHandler {
public:
    Endpoint() :
        endpoint_(
            invoker, [this](const FnSpec&) { return has_room.load(); }, metrics
        ),
        server_(lanes_, {"127.0.0.1", 0}, limits(), *this, metrics) {
        const auto started = server_.start();
        REQUIRE(started);
        lanes_.start();
    }
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    ~Endpoint() override {
        const bool stopped = run(server_.stop(deadline_in(Millis{5'000})));
        CHECK(stopped);
        lanes_.stop();
    }

    FakeInvoker invoker;
    std::atomic<bool> has_room{true};
    Metrics metrics;

    std::string name() const { return "127.0.0.1:" + std::to_string(server_.port()); }
    Task<> handle(Exchange& exchange) override { return endpoint_.serve(exchange); }
    Response refusal(HttpFault fault) const override { return plain_refusal(fault); }

private:
    static ServerLimits limits() {
        ServerLimits limits;
        limits.header_bytes_max = runner::head_bytes_max;
        limits.header_fields_max = runner::head_fields_max;
        return limits;
    }
    Lanes lanes_{2};
    RunnerEndpoint endpoint_;
    HttpServer server_;
};

}  // namespace

TEST_CASE("runner protocol: the call reaches the worker as it was, and the answer comes back") {
    Endpoint worker;
    Invocation got;
    worker.invoker.script = [&](Invocation invocation, BodySource& body, AnswerSink& answer
                            ) -> Task<Result<void>> {
        got = invocation;
        CHECK(body.size() == 3);
        const auto all = co_await FakeInvoker::read_all(body);
        AnswerHead head{
            .status = 418,
            .headers =
                {{"X-A", "1"}, {"X-A", "2"}, {"Stoker-Outcome", "refused"}, {"Date", "then"}},
            .length = {}
        };
        if (auto begun = co_await answer.head(std::move(head)); !begun) co_return begun;
        co_await answer.write("got ", false);
        co_return co_await answer.write(*all, true);
    };
    InvokerFixture api({worker.name()});
    KeptAnswer answer;
    InlineBody body("abc");
    REQUIRE(api.call(body, answer));
    const auto sent = invocation_of();
    CHECK(got.call_id == sent.call_id);
    CHECK(got.method == sent.method);
    CHECK(got.url == sent.url);
    CHECK(got.headers == sent.headers);
    CHECK(got.content_type == sent.content_type);
    CHECK(got.attempt == sent.attempt);
    CHECK(got.fn->slot_key == sent.fn->slot_key);
    CHECK(got.fn->config == sent.fn->config);
    CHECK(got.fn->fn_id == sent.fn->fn_id);
    CHECK(got.fn->memory_mb == sent.fn->memory_mb);
    REQUIRE(answer.given);
    CHECK(answer.given->status == 418);
    CHECK(
        answer.given->headers ==
        Headers{{"X-A", "1"}, {"X-A", "2"}, {"Stoker-Outcome", "refused"}, {"Date", "then"}}
    );
    CHECK_FALSE(answer.given->length);
    CHECK(answer.body == "got abc");
    CHECK(answer.ended);
}

TEST_CASE("runner protocol: bodies of any kind, over kept connections") {
    Endpoint worker;
    InvokerFixture api({worker.name()});
    const std::string large(5'000'000, 'x');
    const auto all = [&]() -> Task<> {
        for (int round = 0; round < 3; ++round) {
            for (const auto& text : {std::string(), std::string("small"), large}) {
                KeptAnswer answer;
                InlineBody body(text);
                const auto ended = co_await api.invoker.invoke(
                    invocation_of(), body, answer, deadline_in(Millis{20'000})
                );
                CHECK(ended);
                CHECK(answer.body == text);
                CHECK(answer.given->length == text.size());
            }
            KeptAnswer answer;
            PiecedBody body({"a", std::string(100'000, 'b'), "c"});
            const auto ended = co_await api.invoker.invoke(
                invocation_of(), body, answer, deadline_in(Millis{20'000})
            );
            CHECK(ended);
            CHECK(answer.body.size() == 100'002);
        }
    };
    run(all());
    CHECK(worker.invoker.invocations == 12);
    const auto metrics = worker.metrics.render();
    CHECK_MESSAGE(metrics.contains("stoker_http_connections_total 1\n"), metrics);
}

TEST_CASE("runner protocol: an answer may come before all of the body was sent") {
    Endpoint worker;
    worker.invoker.script = [](Invocation, BodySource& body, AnswerSink& answer
                            ) -> Task<Result<void>> {
        co_await body.read();
        if (auto begun = co_await answer.head({.headers = {}, .length = 2}); !begun)
            co_return begun;
        co_return co_await answer.write("no", true);
    };
    InvokerFixture api({worker.name()});
    KeptAnswer answer;
    const std::string large(50'000'000, 'x');
    InlineBody body(large);
    CHECK(api.call(body, answer));
    CHECK(answer.body == "no");
}

TEST_CASE("runner protocol: what a worker says of its own is told apart from what a call came to") {
    Endpoint worker;
    Errc code = Errc::server_busy;
    bool reads = false;
    worker.invoker.script = [&](Invocation, BodySource& body, AnswerSink&) -> Task<Result<void>> {
        if (reads) co_await body.read();
        co_return fail(code, "said so");
    };
    InvokerFixture api({worker.name()});
    const auto call = [&] {
        KeptAnswer answer;
        InlineBody body("x");
        worker.invoker.invocations = 0;
        return api.call(body, answer, Millis{500}).error();
    };
    SUBCASE("of its own: it is asked again until the time is over") {
        for (const auto refused :
             {Errc::server_busy, Errc::shutting_down, Errc::engine_unavailable}) {
            code = refused;
            CHECK(call().code == refused);
            CHECK(worker.invoker.invocations > 1);
        }
    }
    SUBCASE("of its engine: another worker may do better, the same one would not") {
        code = Errc::engine_failed;
        CHECK(call().code == Errc::engine_failed);
        CHECK(worker.invoker.invocations == 1);
        const Endpoint good;
        InvokerFixture both({worker.name(), good.name()});
        KeptAnswer answer;
        InlineBody body("x");
        CHECK(both.call(body, answer));
        CHECK(good.invoker.invocations == 1);
    }
    SUBCASE("of the call, before and after the function has begun") {
        for (const auto failed : {Errc::image_not_found, Errc::function_failed}) {
            for (const bool begun : {false, true}) {
                code = failed;
                reads = begun;
                CHECK(call().code == failed);
                CHECK(worker.invoker.invocations == 1);
            }
        }
    }
    SUBCASE("what would be its own is the call's once a function may have begun") {
        reads = true;
        CHECK(call().code == Errc::server_busy);
        CHECK(worker.invoker.invocations == 1);
    }
    SUBCASE("a full one refuses without a try") {
        worker.has_room = false;
        CHECK(call().code == Errc::server_busy);
        CHECK(worker.invoker.invocations == 0);
    }
}

TEST_CASE("runner protocol: a worker that throws answers all the same") {
    Endpoint worker;
    worker.invoker.script = [](Invocation, BodySource&, AnswerSink&) -> Task<Result<void>> {
        throw std::runtime_error("as asked");
        co_return Result<void>{};
    };
    InvokerFixture api({worker.name()});
    KeptAnswer answer;
    InlineBody body("x");
    CHECK(api.call(body, answer).error().code == Errc::internal);
}

TEST_CASE("runner protocol: a call that waits for its container is not forgotten") {
    Endpoint worker;
    worker.invoker.script = [](Invocation invocation, BodySource& body, AnswerSink& answer
                            ) -> Task<Result<void>> {
        co_await sleep_for(runner::silence_max + Millis{500});  // as a slow start would take
        co_return co_await FakeInvoker::echo(std::move(invocation), body, answer);
    };
    InvokerFixture api({worker.name()});
    KeptAnswer answer;
    InlineBody body("abc");
    CHECK(api.call(body, answer, Millis{20'000}));
    CHECK(answer.body == "abc");
}

TEST_CASE("runner protocol: a function whose container is its call begins with its body at hand") {
    Endpoint worker;
    worker.invoker.script = [](Invocation, BodySource& body, AnswerSink&) -> Task<Result<void>> {
        CHECK(body.size() == 3);
        co_return fail(Errc::server_busy);  // no container was free in time
    };
    InvokerFixture api({worker.name()});
    KeptAnswer answer;
    InlineBody body("abc");
    const auto ended = run(api.invoker.invoke(
        invocation_of(spec_of_fn(FnFormat::cold)), body, answer, deadline_in(Millis{5'000})
    ));
    CHECK(ended.error().code == Errc::server_busy);
    CHECK(worker.invoker.invocations == 1);
}

}  // namespace stoker::test
