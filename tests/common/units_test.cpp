#include "common/units.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace stoker;
using namespace std::chrono_literals;

TEST_CASE("Durations: a bare number is seconds, units and sums of them are read") {
    CHECK(parse_duration("0") == 0ms);
    CHECK(parse_duration("90") == 90s);
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("30s") == 30s);
    CHECK(parse_duration("5m") == 5min);
    CHECK(parse_duration("2h") == 2h);
    CHECK(parse_duration("1h30m") == 90min);
    CHECK(parse_duration("1m1s1ms") == 61'001ms);
}

TEST_CASE("Durations: what is none is refused") {
    for (const auto* text :
         {"",
          "s",
          "ms",
          "-1",
          "-1s",
          "+1s",
          "1.5s",
          " 1s",
          "1s ",
          "1 s",
          "1x",
          "1S",
          "1sm",
          "1s2",
          "99999999999999999999",
          "18446744073709551615h",
          "9223372036854775807"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text));
    }
}

TEST_CASE("Durations: the text printed means the same") {
    CHECK(format_duration(0ms) == "0s");
    CHECK(format_duration(90s) == "1m30s");
    CHECK(format_duration(3'661'001ms) == "1h1m1s1ms");
    CHECK(format_duration(24h) == "24h");
    for (const auto duration : {1ms, 999ms, 1000ms, 60'000ms, 3'600'000ms, 86'399'999ms}) {
        CHECK(parse_duration(format_duration(duration)) == duration);
    }
}

TEST_CASE("Sizes: powers of 1000 and of 1024, in any case") {
    CHECK(parse_size("0") == 0);
    CHECK(parse_size("1048576") == 1'048'576);
    CHECK(parse_size("10b") == 10);
    CHECK(parse_size("4GB") == 4'000'000'000);
    CHECK(parse_size("4g") == 4'000'000'000);
    CHECK(parse_size("512MiB") == 536'870'912);
    CHECK(parse_size("1kib") == 1024);
    CHECK(parse_size("1K") == 1000);
    CHECK(parse_size("2TiB") == 2'199'023'255'552);
    CHECK(parse_size("18446744073709551615") == std::numeric_limits<std::uint64_t>::max());
}

TEST_CASE("Sizes: what is none is refused") {
    for (const auto* text :
         {"",
          "GB",
          "-1",
          "1.5GB",
          "1 GB",
          " 1",
          "4XB",
          "1iB",
          "1KiBx",
          "18446744073709551616",
          "99999999TiB"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_size(text));
    }
}

TEST_CASE("Sizes: the text printed means the same") {
    CHECK(format_size(0) == "0");
    CHECK(format_size(1000) == "1000");
    CHECK(format_size(1024) == "1KiB");
    CHECK(format_size(10 * 1024 * 1024) == "10MiB");
    for (const std::uint64_t size : {1ULL, 1023ULL, 1536ULL, 1ULL << 40U, 1ULL << 50U}) {
        CHECK(parse_size(format_size(size)) == size);
    }
}
