#include "common/setting_kinds.hpp"

#include <doctest/doctest.h>

using namespace stoker;
using namespace std::chrono_literals;

TEST_CASE("Setting kinds: numbers have bounds") {
    const auto kind = integer_kind(-2, 10);
    CHECK(kind.parse("-2") == -2);
    CHECK(kind.parse("10") == 10);
    CHECK(kind.print(7) == "7");
    for (const auto* bad : {"", "-3", "11", "x", "1x", "1.0", " 1", "99999999999999999999"}) {
        CAPTURE(bad);
        REQUIRE_FALSE(kind.parse(bad));
    }
    CHECK(kind.parse("11").error() == "\"11\" is not a number from -2 to 10");
}

TEST_CASE("Setting kinds: sizes and durations have bounds") {
    CHECK(size_kind(10, 1024).parse("1KiB") == 1024);
    CHECK(size_kind(10, 1024).parse("9").error() == "\"9\" is not a size from 10 to 1KiB");
    CHECK_FALSE(size_kind(10, 1024).parse("1025"));
    CHECK(duration_kind(1s, 1min).parse("1m") == 1min);
    CHECK(duration_kind(1s, 1min).parse("2m").error() == "\"2m\" is not a duration from 1s to 1m");
    CHECK_FALSE(duration_kind(1s, 1min).parse("999ms"));
}

TEST_CASE("Setting kinds: true and false have several words") {
    const auto kind = bool_kind();
    for (const auto* yes : {"true", "TRUE", "yes", "on", "1"}) CHECK(kind.parse(yes) == true);
    for (const auto* no : {"false", "No", "off", "0"}) CHECK(kind.parse(no) == false);
    for (const auto* bad : {"", "2", "maybe"}) CHECK_FALSE(kind.parse(bad));
    CHECK(kind.placeholder.empty());
}

TEST_CASE("Setting kinds: a choice is one of its words, in any case") {
    const auto kind = choice_kind({"debug", "info"});
    CHECK(kind.parse("INFO") == "info");
    CHECK(kind.parse("loud").error() == "\"loud\" is not one of debug, info");
    CHECK(kind.placeholder == "debug|info");
}

TEST_CASE("Setting kinds: a URL needs one of the schemes and never shows its password") {
    const auto kind = url_kind({"sqlite", "postgres"});
    CHECK(kind.parse("sqlite:data/x.db") == "sqlite:data/x.db");
    CHECK(kind.parse("POSTGRES://u:p@h/d") == "postgres://u:p@h/d");
    CHECK(kind.print("postgres://u:p@h/d") == "postgres://u:***@h/d");
    const auto refused = kind.parse("mysql://u:secret@h/d");
    REQUIRE_FALSE(refused);
    CHECK_FALSE(refused.error().contains("secret"));
    CHECK(refused.error().contains("sqlite:, postgres:"));
    for (const auto* bad : {"", "sqlite", "/x", ":x"}) CHECK_FALSE(kind.parse(bad));
}

TEST_CASE("Setting kinds: only the password of a URL is redacted") {
    CHECK(redacted_url("redis://h:6379/0") == "redis://h:6379/0");
    CHECK(redacted_url("redis://:pw@h:6379") == "redis://:***@h:6379");
    CHECK(redacted_url("postgres://u:p@ss:w@h/d") == "postgres://u:***@h/d");
    CHECK(
        redacted_url("postgres://h/d?password=p&a=b&sslpassword=q") ==
        "postgres://h/d?password=***&a=b&sslpassword=***"
    );
    CHECK(redacted_url("http://u@h/") == "http://u@h/");
    CHECK(redacted_url("sqlite:data") == "sqlite:data");
    CHECK(redacted_url("") == "");
}

TEST_CASE("Setting kinds: a listen address is an IP address and a port") {
    const auto kind = listen_kind();
    CHECK(kind.parse("127.0.0.1:8080") == ListenAddress{"127.0.0.1", 8080});
    CHECK(kind.parse("localhost:1") == ListenAddress{"127.0.0.1", 1});
    CHECK(kind.parse(":0") == ListenAddress{"0.0.0.0", 0});
    CHECK(kind.parse("[::1]:65535") == ListenAddress{"::1", 65535});
    CHECK(kind.print({"::1", 80}) == "[::1]:80");
    CHECK(kind.print({"10.0.0.1", 80}) == "10.0.0.1:80");
    for (const auto* bad :
         {"",
          "8080",
          "127.0.0.1",
          "127.0.0.1:",
          "127.0.0.1:x",
          "127.0.0.1:65536",
          "::1:80",
          "[127.0.0.1]:80",
          "example.com:80",
          "[::1",
          "127.0.0.1:-1"}) {
        CAPTURE(bad);
        CHECK_FALSE(kind.parse(bad));
    }
}

TEST_CASE("Setting kinds: a path is not empty") {
    CHECK(path_kind("DIR").parse("x") == "x");
    CHECK_FALSE(path_kind("DIR").parse(""));
    CHECK(text_kind("TEXT").parse("") == "");
}
