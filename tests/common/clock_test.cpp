#include "common/clock.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace stoker;

TEST_CASE("Clock: times are printed in UTC with three fractional digits") {
    CHECK(format_time(from_ms(0)) == "1970-01-01T00:00:00.000Z");
    CHECK(format_time(from_ms(1'136'214'245'006)) == "2006-01-02T15:04:05.006Z");
    CHECK(format_time(from_ms(-1)) == "1969-12-31T23:59:59.999Z");
    CHECK(format_time(from_ms(253'402'300'799'999)) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("Clock: any RFC 3339 offset and precision is read") {
    const auto time = from_ms(1'136'214'245'006);
    for (const auto* text :
         {"2006-01-02T15:04:05.006Z",
          "2006-01-02t15:04:05.006z",
          "2006-01-02T15:04:05.006999999Z",
          "2006-01-02T17:04:05.006+02:00",
          "2006-01-02T08:34:05.006-06:30",
          "2006-01-03T00:04:05.006+09:00"}) {
        CAPTURE(text);
        CHECK(parse_time(text) == time);
    }
    CHECK(parse_time("2024-02-29T00:00:00Z"));
    CHECK(parse_time("2006-01-02T15:04:05Z") == from_ms(1'136'214'245'000));
    CHECK(parse_time("2006-01-02T15:04:05.1Z") == from_ms(1'136'214'245'100));
}

TEST_CASE("Clock: what is no time is refused") {
    for (const auto* text :
         {"",
          "2006",
          "2006-01-02",
          "2006-01-02T15:04:05",
          "2006-01-02 15:04:05Z",
          "2006-13-02T15:04:05Z",
          "2006-02-30T15:04:05Z",
          "2023-02-29T00:00:00Z",
          "2006-01-02T24:00:00Z",
          "2006-01-02T15:60:05Z",
          "2006-01-02T15:04:60Z",
          "2006-01-02T15:04:05.Z",
          "2006-01-02T15:04:05.0123456789Z",
          "2006-01-02T15:04:05+2:00",
          "2006-01-02T15:04:05+02:60",
          "2006-01-02T15:04:05+24:00",
          "2006-01-02T15:04:05Zx",
          "-006-01-02T15:04:05Z",
          "2006-01-02T15:04:05+0200"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_time(text));
    }
}

TEST_CASE("Clock: every printed time is read back") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (int i = 0; i < 10'000; ++i) {
        const auto time = from_ms(static_cast<std::int64_t>(random() % 253'402'300'800'000));
        REQUIRE(parse_time(format_time(time)) == time);
    }
}
