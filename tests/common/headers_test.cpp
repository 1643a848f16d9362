#include "common/http/headers.hpp"

#include <doctest/doctest.h>

using namespace stoker;

TEST_CASE("Headers: names compare without case, and the first value is found") {
    CHECK(same_header_name("Content-Type", "content-TYPE"));
    CHECK_FALSE(same_header_name("Content-Type", "Content-Typ"));
    CHECK_FALSE(same_header_name("", "a"));
    const Headers headers{{"X-A", "1"}, {"x-a", "2"}, {"B", "3"}};
    REQUIRE(find_header(headers, "x-A") != nullptr);
    CHECK(*find_header(headers, "x-A") == "1");
    CHECK(find_header(headers, "C") == nullptr);
}

TEST_CASE("Headers: those that end at a hop are known") {
    for (const auto* hop :
         {"connection",
          "Keep-Alive",
          "TE",
          "Transfer-Encoding",
          "upgrade",
          "Trailer",
          "Proxy-Connection",
          "Proxy-Authorization"}) {
        CAPTURE(hop);
        CHECK(is_hop_by_hop(hop));
    }
    for (const auto* kept : {"Content-Type", "Host", "Connections", "X-Connection", ""}) {
        CHECK_FALSE(is_hop_by_hop(kept));
    }
}

TEST_CASE("Headers: nothing that changes the framing around it is valid") {
    CHECK(is_valid_header("X-A", ""));
    CHECK(is_valid_header("x_a!", "tab\tand \xE9"));
    for (const auto* name : {"", "a b", "a:", "a\r", "caf\xC3\xA9", "a\n"}) {
        CHECK_FALSE(is_valid_header(name, "v"));
    }
    for (const std::string& value :
         {std::string("a\r\nb"), std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f")
         }) {
        CHECK_FALSE(is_valid_header("X", value));
    }
}
