#include "api/call_response.hpp"

#include <doctest/doctest.h>

namespace stoker::test {

namespace {

CallResponse stored(std::string head, std::string body) {
    return {200, std::move(head), BodyRef::of(std::move(body))};
}

}  // namespace

TEST_CASE("replay: status, fields in order and the body come back") {
    const auto response =
        replay(stored("HTTP/1.1 418 Teapot\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\n\r\n", "abc")
        );
    REQUIRE(response);
    CHECK(response->status == 418);
    CHECK(response->body == "abc");
    CHECK(response->headers.at(0) == Header{"X-A", "1"});
    CHECK(response->headers.at(1) == Header{"x-a", "2"});
}

TEST_CASE("replay: chunks are joined") {
    const auto response = replay(stored(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: r\r\n\r\n"
    ));
    REQUIRE(response);
    CHECK(response->body == "abcde");
}

TEST_CASE("replay: a body that ended with the connection") {
    const auto response = replay(stored("HTTP/1.0 200 OK\r\n\r\n", "all of it"));
    REQUIRE(response);
    CHECK(response->body == "all of it");
}

TEST_CASE("replay: a body that was cut off is shown as far as it came") {
    CHECK(
        replay(stored("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", "abc"))->body ==
        "abc"
    );
    CHECK(
        replay(stored("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "9\r\nabc"))->body ==
        "abc"
    );
}

TEST_CASE("replay: large bodies and empty ones") {
    const std::string large(3'000'000, 'x');
    CHECK(
        replay(stored("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", large))->body == large
    );
    CHECK(replay(stored("HTTP/1.1 204 No Content\r\n\r\n", ""))->body.empty());
    CHECK(replay(stored("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""))->body.empty());
}

TEST_CASE("replay: what is no response is an internal error") {
    for (const auto* head :
         {"", "hello", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 x\r\n\r\n"
         }) {
        CAPTURE(std::string(head));
        const auto response = replay(stored(head, "abc"));
        REQUIRE_FALSE(response);
        CHECK(response.error().code == Errc::internal);
    }
    auto elsewhere = stored("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "");
    elsewhere.body.blob = "not loaded";
    CHECK_FALSE(replay(elsewhere));
}

}  // namespace stoker::test
