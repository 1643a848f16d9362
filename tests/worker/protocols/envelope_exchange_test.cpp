#include "worker/protocols/envelope_exchange.hpp"

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
    invocation.url = "http://here/invoke/f";
    return invocation;
}

ExchangeEnd exchange(
    PipePair& pair,
    BodySource& body,
    Kept& kept,
    std::chrono::seconds time = 20s,
    ExchangeLimits limits = {},
    const Envelope& envelope = json_envelope()
) {
    return run(exchange_envelope(envelope, pair.agent.ends(), call(), body, kept, limits, time));
}

/// One exchange with a function that reads its request and then says `reply`.
ExchangeEnd exchange_with_reply(
    std::string_view reply, Kept& kept, const Envelope& envelope = json_envelope()
) {
    PipePair pair;
    std::jthread function([&] {
        pair.function.read_until("\n");
        pair.function.write(reply);
        pair.function.close();
    });
    InlineBody body("");
    return exchange(pair, body, kept, 20s, {}, envelope);
}

}  // namespace

TEST_CASE("json: an answer becomes the HTTP response that it means") {
    Kept kept;
    const auto end = exchange_with_reply(
        R"({"body":"hi","content_type":"text/plain","protocol":{"status_code":201,)"
        R"("headers":{"X-A":["1","2"]}}})"
        "\n",
        kept
    );
    REQUIRE(end.result);
    CHECK(end.container_ok);
    CHECK(kept.answer.status == 201);
    CHECK(kept.answer.length == 2);
    CHECK(
        kept.raw_head ==
        "HTTP/1.1 201 Created\r\nX-A: 1\r\nX-A: 2\r\nContent-Type: text/plain\r\n"
        "Content-Length: 2\r\n\r\n"
    );
    CHECK(kept.raw_body == "hi");
    CHECK(kept.complete);
}

TEST_CASE("json: a status that has no body gets none") {
    Kept kept;
    CHECK(exchange_with_reply(R"({"body":"x","protocol":{"status_code":204}})", kept).result);
    CHECK(kept.raw_head == "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(kept.body.empty());
    CHECK(kept.complete);
}

TEST_CASE("json: excess data lets the call succeed and ends the container") {
    Kept kept;
    const auto end = exchange_with_reply("{\"body\":\"1\"}\n{\"body\":\"2\"}\n", kept);
    CHECK(end.result);
    CHECK(kept.body == "1");
    CHECK_FALSE(end.container_ok);
}

TEST_CASE("json and cloudevent: garbage is said to be so and ends the container") {
    for (const auto* envelope : {&json_envelope(), &cloudevent_envelope()}) {
        for (const std::string& reply :
             {std::string("what?\n"), std::string("{\"a\" 1}\n"), std::string(3000, '{')}) {
            CAPTURE(reply.size());
            Kept kept;
            const auto end = exchange_with_reply(reply, kept, *envelope);
            REQUIRE_FALSE(end.result);
            CHECK(end.result.error().code == Errc::function_failed);
            CHECK(end.result.error().text().starts_with("invalid json response from function err: ")
            );
            CHECK_FALSE(end.container_ok);
            CHECK(kept.answer.status == 0);
        }
    }
}

TEST_CASE("json: a function that goes away in the middle is lost") {
    Kept kept;
    const auto end = exchange_with_reply(R"({"body":"ha)", kept);
    CHECK_FALSE(end.result);
    CHECK(end.lost);
}

TEST_CASE("json: limits on the body and on headers have Fn's messages") {
    const ExchangeLimits limits{.head_bytes_max = 100, .whole_body_bytes_max = 10};
    const auto reply_of = [&](std::string_view reply) {
        PipePair pair;
        pair.function.write(reply);
        InlineBody body("");
        Kept kept;
        auto end = exchange(pair, body, kept, 20s, limits);
        CHECK(kept.answer.status == 0);
        return end;
    };
    const auto body = reply_of(R"({"body":"12345678901"})");
    REQUIRE_FALSE(body.result);
    CHECK(body.result.error().text() == "function response body too large");
    const auto endless = reply_of(R"({"body":")" + std::string(200, 'x'));
    REQUIRE_FALSE(endless.result);
    CHECK(endless.result.error().text() == "function response body too large");
    CHECK_FALSE(endless.container_ok);
    const auto head =
        reply_of(R"({"protocol":{"headers":{"A":[")" + std::string(70, 'a') + R"("]}}})");
    REQUIRE_FALSE(head.result);
    CHECK(head.result.error().text() == "function response header too large");
}

TEST_CASE("json: a function that never answers is ended by the deadline") {
    PipePair pair;
    InlineBody body("");
    Kept kept;
    const auto end = exchange(pair, body, kept, 0s);
    REQUIRE_FALSE(end.result);
    CHECK(end.result.error().code == Errc::function_timeout);
    CHECK_FALSE(end.container_ok);
}

TEST_CASE("json: an answer to a request that was not read ends the container") {
    PipePair pair;
    const std::string big(1 << 20, 'x');
    pair.function.write("{}\n");
    InlineBody body(big);
    Kept kept;
    const auto end = exchange(pair, body, kept);
    CHECK(end.result);
    CHECK_FALSE(end.container_ok);
}

TEST_CASE("json: a big body in many pieces goes out as one line") {
    PipePair pair;
    const std::string piece(100'000, 'x');
    std::string got;
    std::jthread function([&] {
        got = pair.function.read_until("\n");
        pair.function.write("{}\n");
    });
    Stream body({piece, piece, piece});
    Kept kept;
    const auto end = exchange(pair, body, kept);
    function.join();
    CHECK(end.result);
    CHECK(end.container_ok);
    CHECK(got.contains("\"body\":\"" + piece + piece + piece + "\""));
}

TEST_CASE("cloudevent: a request that is no JSON is refused before the function sees any of it") {
    PipePair pair;
    InlineBody body("plain text");
    Kept kept;
    const auto end = exchange(pair, body, kept, 20s, {}, cloudevent_envelope());
    REQUIRE_FALSE(end.result);
    CHECK(end.result.error().code == Errc::invalid_json);
    CHECK(end.container_ok);
    CHECK(are_quiet(pair.agent, true));
}
