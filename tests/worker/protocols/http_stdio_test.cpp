#include "worker/protocols/http_stdio.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "tests/support/run.hpp"
#include "tests/worker/protocols/function_end.hpp"
#include "tests/worker/protocols/kept.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

namespace {

Invocation call() {
    Invocation invocation;
    invocation.call_id = "01";
    invocation.method = "POST";
    invocation.url = "http://here:8080/invoke/f?a=b";
    invocation.content_type = "text/plain";
    invocation.headers = {{"X-One", "1"}, {"X-One", "2"}};
    return invocation;
}

ExchangeEnd exchange(
    PipePair& pair,
    BodySource& body,
    Kept& kept,
    Millis time = 20s,
    ExchangeLimits limits = {},
    Invocation invocation = call()
) {
    return run(
        exchange_http_stdio(pair.agent.ends(), invocation, body, kept, limits, deadline_in(time))
    );
}

/// One exchange with a function that reads the head of its request and then says `reply`.
ExchangeEnd exchange_with_reply(
    std::string_view reply, Kept& kept, Invocation invocation = call()
) {
    PipePair pair;
    std::jthread function([&] {
        pair.function.read_until("\r\n\r\n");
        pair.function.write(reply);
        pair.function.close();
    });
    InlineBody body("");
    return exchange(pair, body, kept, 20s, {}, std::move(invocation));
}

}  // namespace

TEST_CASE("http: the request is the caller's, with Fn's fields") {
    const auto deadline = parse_time("2026-01-02T03:04:05Z").value();
    CHECK(
        http_stdio_head(call(), 5, deadline) ==
        "POST /invoke/f?a=b HTTP/1.1\r\nHost: here:8080\r\nFn_call_id: 01\r\n"
        "Fn_deadline: 2026-01-02T03:04:05.000Z\r\nFn-Attempt: 1\r\nFn_method: POST\r\n"
        "Fn_request_url: http://here:8080/invoke/f?a=b\r\nContent-Type: text/plain\r\n"
        "X-One: 1\r\nX-One: 2\r\nContent-Length: 5\r\n\r\n"
    );
    auto bare = call();
    bare.url = "http://here";
    const auto head = http_stdio_head(bare, std::nullopt, deadline);
    CHECK(head.starts_with("POST / HTTP/1.1\r\nHost: here\r\n"));
    CHECK(head.ends_with("Transfer-Encoding: chunked\r\n\r\n"));
}

TEST_CASE("http: every status is an answer, its fields come through, the container stays") {
    for (const int status : {200, 201, 404, 500, 502, 504}) {
        CAPTURE(status);
        Kept kept;
        const auto end = exchange_with_reply(
            "HTTP/1.1 " + std::to_string(status) +
                " X\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nhi",
            kept
        );
        REQUIRE(end.result);
        CHECK(end.container_ok);
        CHECK(kept.answer.status == status);
        CHECK(kept.answer.headers == Headers{{"X-A", "1"}, {"X-A", "2"}});
        CHECK(kept.body == "hi");
        CHECK(kept.complete);
    }
}

TEST_CASE("http: a chunked answer and one without a body end where they say") {
    Kept chunked;
    const auto end = exchange_with_reply(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        chunked
    );
    REQUIRE(end.result);
    CHECK(end.container_ok);
    CHECK(chunked.body == "abc");

    Kept none;
    CHECK(exchange_with_reply("HTTP/1.1 204 No Content\r\n\r\n", none).container_ok);
    CHECK(none.complete);

    auto head = call();
    head.method = "HEAD";
    Kept of_head;
    const auto headed =
        exchange_with_reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", of_head, head);
    CHECK(headed.container_ok);
    CHECK(of_head.complete);
}

TEST_CASE("http: garbage is said to be so and ends the container") {
    struct Row {
        const char* reply;
        const char* message;
    };
    const std::vector<Row> rows{
        {"what?\r\n\r\n", "invalid http response from function err: "},
        {"HTTP/1.1 200 OK\r\n\r\nno length",
         "invalid http response from function err: neither Content-Length nor chunked"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
         "invalid http response from function err: "},
        {"HTTP/1.1 200 OK\r\nContent-Le", "error receiving function response"},
        {"", "error receiving function response"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.reply);
        Kept kept;
        const auto end = exchange_with_reply(row.reply, kept);
        REQUIRE_FALSE(end.result);
        CHECK(end.result.error().text().starts_with(row.message));
        CHECK(spec_of(end.result.error().code).status == 502);
        CHECK_FALSE(end.container_ok);
        CHECK_FALSE(kept.complete);
    }
}

TEST_CASE("http: more than one answer: the first counts, the container goes") {
    Kept kept;
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1";
    const auto end = exchange_with_reply(answer + "x", kept);
    CHECK(end.result);
    CHECK(kept.body == "1");
    CHECK_FALSE(end.container_ok);
}

TEST_CASE("http: limits on the head and the body have Fn's messages") {
    Kept kept;
    const auto head =
        exchange_with_reply("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'), kept);
    REQUIRE_FALSE(head.result);
    CHECK(head.result.error().text() == "function response header too large");
    CHECK_FALSE(head.container_ok);

    PipePair pair;
    pair.function.write("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n");
    InlineBody body("");
    const auto too_large = exchange(pair, body, kept, 20s, {.body_bytes_max = 10});
    REQUIRE_FALSE(too_large.result);
    CHECK(too_large.result.error().text() == "function response body too large");
    CHECK(kept.answer.status == 0);
}

TEST_CASE("http: a function that never answers, or never reads, is ended by the deadline") {
    const std::string big(1 << 20, 'x');
    for (const auto* bytes : {"", big.c_str()}) {
        PipePair pair;
        InlineBody body(bytes);
        Kept kept;
        const auto end = exchange(pair, body, kept, 20ms);
        REQUIRE_FALSE(end.result);
        CHECK(end.result.error().code == Errc::function_timeout);
        CHECK_FALSE(end.container_ok);
    }
}

TEST_CASE("http: an answer to a request that was not read ends the container") {
    PipePair pair;
    const std::string big(1 << 20, 'x');
    std::jthread function([&] {
        pair.function.read_until("\r\n\r\n");
        pair.function.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
    });
    InlineBody body(big);
    Kept kept;
    const auto end = exchange(pair, body, kept);
    REQUIRE(end.result);
    CHECK(kept.body == "done");
    CHECK_FALSE(end.container_ok);
}

TEST_CASE("http: one container serves call after call, bodies of unknown size among them") {
    PipePair pair;
    std::jthread function([&] {
        for (int i = 0; i < 3; ++i) {
            pair.function.read_until("0\r\n\r\n");
            pair.function.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    for (int i = 0; i < 3; ++i) {
        Stream body({"hello", "world"});
        Kept kept;
        const auto end = exchange(pair, body, kept);
        REQUIRE(end.result);
        CHECK(end.container_ok);
        CHECK(are_quiet(pair.agent, false));
    }
}
