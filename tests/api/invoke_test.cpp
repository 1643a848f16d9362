#include "api/invoke.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <doctest/doctest.h>

#include <thread>

#include "tests/api/api_fixture.hpp"

namespace stoker::test {

namespace {

const Headers async_header{{"Fn-Invoke-Type", "async"}};

}  // namespace

TEST_CASE("invoke: a synchronous call gives the function's answer") {
    const ApiFixture api;
    const auto fn_id = api.make_fn(api.make_app());
    const auto answer = api.send(
        "POST",
        "/invoke/" + fn_id,
        "hello",
        {{"Content-Type", "text/plain"}, {"X-Mine", "1"}, {"Fn-Call-Id", "forged"}}
    );
    CHECK(answer.status == 200);
    CHECK(answer.body == "hello");
    CHECK(answer.header("X-Mine") == "1");
    CHECK(answer.header("Content-Type") == "text/plain");
    CHECK(answer.header("Content-Length") == "5");
    CHECK(is_id(answer.header("Fn-Call-Id")));
}

TEST_CASE("invoke: bodies of any kind reach the function and come back") {
    const ApiFixture api;
    const auto path = "/invoke/" + api.make_fn(api.make_app());
    auto client = api.connect();
    SUBCASE("none") { CHECK(client.request(ApiFixture::text_of("POST", path)).body.empty()); }
    SUBCASE("large") {
        const std::string body(5'000'000, 'x');
        std::thread sender([&] { client.send(ApiFixture::text_of("POST", path, body)); });
        CHECK(client.receive().body == body);
        sender.join();
    }
    SUBCASE("chunked") {
        const auto answer = client.request(
            "POST " + path +
            " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        );
        CHECK(answer.body == "abc");
    }
    SUBCASE("after 100 Continue") {
        client.send(
            "POST " + path +
            " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        );
        CHECK(client.receive_one().status == 100);
        CHECK(client.request("abc").body == "abc");
    }
    CHECK(client.request(ApiFixture::text_of("GET", "/version")).status == 200);
}

TEST_CASE("invoke: an answer may be streamed without a length") {
    ApiFixture api;
    api.invoker.script = [](Invocation, BodySource&, AnswerSink& answer) -> Task<Result<void>> {
        CHECK(co_await answer.head({.status = 502, .headers = {{"X-Kind", "stream"}}, .length = {}})
        );
        for (int i = 0; i < 100; ++i) CHECK(co_await answer.write("0123456789", false));
        co_return co_await answer.write("end", true);
    };
    const auto answer = api.send("POST", "/invoke/" + api.make_fn(api.make_app()));
    CHECK(answer.status == 502);
    CHECK(answer.body.size() == 1003);
    CHECK(answer.header("Transfer-Encoding") == "chunked");
    CHECK(is_id(answer.header("Fn-Call-Id")));
}

TEST_CASE("invoke: an error before the answer is answered with the call's id") {
    ApiFixture api;
    api.invoker.script = [](Invocation, BodySource&, AnswerSink&) -> Task<Result<void>> {
        co_return fail(Errc::server_busy);
    };
    const auto answer = api.send("POST", "/invoke/" + api.make_fn(api.make_app()));
    CHECK(answer.status == 503);
    CHECK(answer.header("Retry-After") == "15");
    CHECK(is_id(answer.header("Fn-Call-Id")));
    CHECK(ApiFixture::json(answer)["code"] == "server_busy");
}

TEST_CASE("invoke: an error within the answer cuts it") {
    ApiFixture api;
    api.invoker.script = [](Invocation, BodySource&, AnswerSink& answer) -> Task<Result<void>> {
        CHECK(co_await answer.head({.headers = {}, .length = {}}));
        CHECK(co_await answer.write("some", false));
        co_return fail(Errc::container_exit);
    };
    const auto answer = api.send("POST", "/invoke/" + api.make_fn(api.make_app()));
    CHECK(answer.status == 200);
    CHECK_FALSE(answer.complete);
}

TEST_CASE("invoke: what a function fails with is told although its body is still on the way") {
    ApiFixture api;
    api.invoker.script = [](Invocation, BodySource& body, AnswerSink&) -> Task<Result<void>> {
        using namespace asio::experimental::awaitable_operators;
        const auto fails = []() -> Task<> { co_return co_await sleep_for(Millis{1}); };
        co_await body.read();
        co_await (body.read() || fails());
        co_return fail(Errc::function_failed);
    };
    auto client = api.connect();
    const auto answer = client.request(
        "POST /invoke/" + api.make_fn(api.make_app()) +
        " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    );
    CHECK(answer.status == 502);
    CHECK(answer.body.contains("function_failed"));
}

TEST_CASE("invoke: a body that does not arrive is the client's fault, not the function's") {
    const ApiFixture api([](ApiSettings& settings) {
        settings.invoke.sync_body_bytes_max = 100'000;
        settings.server.body_stall = Millis{100};
    });
    const auto path = "/invoke/" + api.make_fn(api.make_app());
    const auto start = "POST " + path + " HTTP/1.1\r\nHost: a\r\n";
    auto client = api.connect();
    SUBCASE("too large by its length") {
        const auto answer = client.request(start + "Content-Length: 100001\r\n\r\n");
        CHECK(answer.status == 413);
        CHECK(
            ApiFixture::message(answer) ==
            "Content-Length too large for this server, 100001 > max 100000"
        );
        CHECK(api.invoker.invocations == 0);
    }
    SUBCASE("too large in the end") {
        const auto answer = client.request(
            start + "Transfer-Encoding: chunked\r\n\r\n186a1\r\n" + std::string(100'001, 'x')
        );
        CHECK(answer.status == 413);
        CHECK(is_id(answer.header("Fn-Call-Id")));
    }
    SUBCASE("half of it") {
        CHECK(client.request(start + "Content-Length: 50000\r\n\r\nx").status == 408);
    }
    SUBCASE("half of a small one") {
        CHECK(client.request(start + "Content-Length: 5\r\n\r\nx").status == 408);
        CHECK(api.invoker.invocations == 0);
    }
    SUBCASE("broken chunks") {
        CHECK(client.request(start + "Transfer-Encoding: chunked\r\n\r\nzz\r\n").status == 400);
    }
    CHECK(client.ended());
}

TEST_CASE("invoke: an asynchronous call is accepted, stored and queued") {
    const ApiFixture api;
    const auto fn_id = api.make_fn(
        api.make_app(),
        "fn",
        R"(,"type":"async","timeout":3600,"memory":256,"retry":{"max_attempts":7})"
    );
    const auto answer = api.send(
        "POST",
        "/invoke/" + fn_id + "?q=1",
        "payload",
        {{"Content-Type", "a/b"}, {"Authorization", "secret"}, {"X-Mine", "1"}, {"X-Mine", "2"}}
    );
    CHECK(answer.status == 202);
    const auto call_id = answer.header("Fn-Call-Id");
    CHECK(answer.body == R"({"call_id":")" + call_id + "\"}");
    CHECK(answer.header("Location") == "/v2/calls/" + call_id);
    CHECK(answer.header("Preference-Applied").empty());
    CHECK(api.invoker.invocations == 0);

    CHECK(api.queue.queued() == std::vector<Message>{{call_id, fn_id, 0}});
    const auto call = ApiFixture::json(api.get("/v2/calls/" + call_id));
    CHECK(call["status"] == "queued");
    CHECK(call["memory"] == 256);
    CHECK(call["timeout"] == 3600);
}

TEST_CASE("invoke: a worker gets what the caller sent, less what is not its business") {
    ApiFixture api;
    const auto fn_id = api.make_fn(api.make_app(), "fn", R"(,"retry":{"max_attempts":7})");
    const auto answer = api.send(
        "POST",
        "/invoke/" + fn_id + "?q=1",
        "payload",
        {{"Content-Type", "a/b"},
         {"Authorization", "secret"},
         {"X-Mine", "1"},
         {"Prefer", "respond-async"},
         {"X-Mine", "2"}}
    );
    CHECK(answer.status == 202);
    CHECK(answer.header("Preference-Applied") == "respond-async");
    REQUIRE(run(api.store.register_worker("worker", "host", Millis{60'000})));
    const auto claimed = run(api.store.claim("worker", {answer.header("Fn-Call-Id")}));
    REQUIRE(claimed);
    const auto& [call, request, fn] = claimed->at(0);
    CHECK(call.max_attempts == 7);
    CHECK(request.method == "POST");
    CHECK(request.url == "http://here:80/invoke/" + fn_id + "?q=1");
    CHECK(request.headers == Headers{{"X-Mine", "1"}, {"X-Mine", "2"}});
    CHECK(request.content_type == "a/b");
    CHECK(request.body.bytes == "payload");
}

TEST_CASE("invoke: asynchronous bodies are bounded, before they are read if the length is told") {
    const ApiFixture api([](ApiSettings& settings) { settings.invoke.async_body_bytes_max = 10; });
    const auto path = "/invoke/" + api.make_fn(api.make_app());
    CHECK(api.send("POST", path, "0123456789", async_header).status == 202);
    auto client = api.connect();
    const auto start = "POST " + path + " HTTP/1.1\r\nHost: a\r\nFn-Invoke-Type: async\r\n";
    SUBCASE("told") {
        const auto answer =
            client.request(start + "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n");
        CHECK(answer.status == 413);
        CHECK(
            ApiFixture::message(answer) == "Content-Length too large for this server, 11 > max 10"
        );
        CHECK(client.continues == 0);
    }
    SUBCASE("found out") {
        CHECK(
            client
                .request(start + "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n")
                .status == 413
        );
    }
    CHECK(api.store.accepts == 1);
}

TEST_CASE("invoke: what cannot be invoked") {
    const ApiFixture api;
    const auto path = "/invoke/" + api.make_fn(api.make_app());
    const auto refusal = [&](const std::string& target, const Headers& headers) {
        const auto answer = api.send("POST", target, "x", headers);
        return std::to_string(answer.status) + " " + ApiFixture::message(answer);
    };
    CHECK(refusal("/invoke/nobody", {}) == "404 Fn not found");
    CHECK(refusal(path, {{"Fn-Invoke-Type", "later"}}) == "400 Invalid Fn-Invoke-Type");
    CHECK(
        refusal(path, {{"Fn-Invoke-Type", "Detached"}}) ==
        "501 Detach call functions are not supported on this server"
    );
    const auto get = api.get(path);
    CHECK(get.status == 405);
    CHECK(get.header("Allow") == "POST");
    CHECK(ApiFixture::message(get) == "Method not allowed: GET " + path);
}

TEST_CASE("invoke: a fn that has become too large for every worker is refused") {
    ApiFixture api;
    auto fn = *run(api.store.get_fn(api.make_fn(api.make_app())));
    REQUIRE(run(api.store.update_fn(fn.id, [] {
        FnPatch patch;
        patch.memory = 4096;
        return patch;
    }())));
    for (const auto* type : {"sync", "async"}) {
        const auto answer = api.send("POST", "/invoke/" + fn.id, "x", {{"Fn-Invoke-Type", type}});
        CHECK(answer.status == 400);
        CHECK(ApiFixture::json(answer)["code"] == "impossible_memory");
    }
    CHECK(api.queue.queued().empty());
}

TEST_CASE("invoke: the function is told the method and the URL that the caller used") {
    ApiFixture api;
    const auto fn_id = api.make_fn(api.make_app());
    std::string method;
    std::string url;
    api.invoker.script = [&](Invocation invocation, BodySource& body, AnswerSink& answer) {
        method = invocation.method;
        url = invocation.url;
        return FakeInvoker::echo(std::move(invocation), body, answer);
    };
    CHECK(api.send("POST", "/invoke/" + fn_id + "?a=b", "x").status == 200);
    CHECK(method == "POST");
    CHECK(url.starts_with("http://"));
    CHECK(url.ends_with("/invoke/" + fn_id + "?a=b"));
}

TEST_CASE("invoke: a change through this server is seen by the next call") {
    ApiFixture api;
    const auto fn_id = api.make_fn(api.make_app());
    std::string image;
    api.invoker.script = [&](Invocation invocation, BodySource& body, AnswerSink& answer) {
        image = invocation.fn->image;
        return FakeInvoker::echo(std::move(invocation), body, answer);
    };
    CHECK(api.send("POST", "/invoke/" + fn_id).status == 200);
    CHECK(image == "img");
    CHECK(api.send("PUT", "/v2/fns/" + fn_id, R"({"image":"new"})").status == 200);
    CHECK(api.send("POST", "/invoke/" + fn_id).status == 200);
    CHECK(image == "new");
    CHECK(api.send("DELETE", "/v2/fns/" + fn_id).status == 204);
    CHECK(api.send("POST", "/invoke/" + fn_id).status == 404);
}

}  // namespace stoker::test
