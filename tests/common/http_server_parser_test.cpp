// RequestParser by itself: whatever way the bytes of a request are cut, it is the same request.

#include <doctest/doctest.h>

#include "common/http/server_parser.hpp"

namespace stoker::test {

namespace {

struct Parsed {
    std::string target;
    std::string body;
    std::size_t taken = 0;
    bool ended = false;
    std::optional<HttpFault> fault;

    bool operator==(const Parsed&) const = default;
};

/// Feeds the bytes as a connection would that has received so many of them, then so many.
Parsed parse(const std::string& bytes, const std::vector<std::size_t>& ends) {
    const ServerLimits limits;
    RequestParser parser(limits);
    Parsed parsed;
    bool has_header = false;
    for (const auto end : ends) {
        const auto input = std::string_view(bytes).substr(0, end);
        if (!has_header) {
            const auto header = parser.header(input);
            if (!header) {
                parsed.fault = header.error();
                return parsed;
            }
            has_header = *header > 0;
            parsed.taken = *header;
        }
        while (has_header && !parser.ended() && parsed.taken < end) {
            const auto piece = parser.body(input.substr(parsed.taken));
            if (!piece) {
                parsed.fault = piece.error();
                return parsed;
            }
            if (piece->taken == 0) break;
            parsed.taken += piece->taken;
            parsed.body += piece->bytes;
        }
    }
    parsed.target = parser.request().target;
    parsed.ended = has_header && parser.ended();
    return parsed;
}

void check_every_cut(const std::string& bytes, const Parsed& expected) {
    std::vector<std::size_t> one_by_one;
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CAPTURE(cut);
        CHECK(parse(bytes, {cut, bytes.size()}) == expected);
        one_by_one.push_back(cut);
    }
    CHECK(parse(bytes, one_by_one) == expected);
}

const std::string chunked = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("RequestParser: a request may be cut anywhere") {
    const std::string get = "\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    check_every_cut(get, {"/x", "", get.size(), true, {}});
    const std::string post = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    check_every_cut(post, {"/x", "abc", post.size(), true, {}});
    for (const std::string body :
         {"3\r\nabc\r\n0\r\n\r\n", "1\r\na\r\n2;x=y\r\nbc\r\n00\r\nT: r\r\n\r\n"}) {
        const auto bytes = chunked + body;
        check_every_cut(bytes, {"/x", "abc", bytes.size(), true, {}});
    }
}

TEST_CASE("RequestParser: an empty chunked body may be cut within its last chunk") {
    // Beast 1.81 asserts that this does not happen.
    const auto bytes = chunked + "0\r\n\r\n";
    check_every_cut(bytes, {"/x", "", bytes.size(), true, {}});
}

TEST_CASE("RequestParser: what follows a request is left alone") {
    const auto one = chunked + "3\r\nabc\r\n0\r\n\r\n";
    const auto parsed = parse(one + one, {one.size()});
    CHECK(parsed.taken == one.size());
    CHECK(parsed.body == "abc");
}

TEST_CASE("RequestParser: a fault is found wherever the bytes are cut") {
    const std::string folded = "GET /x HTTP/1.1\r\nHost: a\r\n b\r\n\r\n";
    const auto bad_chunk = chunked + "3\r\nabcd\r\n0\r\n\r\n";
    for (const auto& bytes : {folded, bad_chunk}) {
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
            CAPTURE(cut);
            CHECK(parse(bytes, {cut, bytes.size()}).fault == HttpFault::malformed);
        }
    }
}

TEST_CASE("RequestParser: is ready again after reset") {
    const ServerLimits limits;
    RequestParser parser(limits);
    for (const std::string bytes :
         {"GET /a HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n", "GET /b?q HTTP/1.0\r\n\r\n"}) {
        REQUIRE(parser.header(bytes).value_or(0) == bytes.size());
        CHECK(parser.ended());
        CHECK(parser.request().path() == (bytes.contains("/a") ? "/a" : "/b"));
        CHECK(parser.request().query() == (bytes.contains("?q") ? "q" : ""));
        CHECK(parser.request().http_1_0 == bytes.contains("1.0"));
        CHECK(parser.request().headers.size() == (bytes.contains("/a") ? 2 : 0));
        CHECK(parser.keeps_alive() == bytes.contains("/a"));
        parser.reset();
    }
}

}  // namespace stoker::test
