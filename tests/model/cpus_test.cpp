#include "model/cpus.hpp"

#include <doctest/doctest.h>

using namespace stoker;

TEST_CASE("Cpus: thousandths or decimals of a processor") {
    CHECK(parse_milli_cpus("") == 0);
    CHECK(parse_milli_cpus("0") == 0);
    CHECK(parse_milli_cpus("100m") == 100);
    CHECK(parse_milli_cpus("0.1") == 100);
    CHECK(parse_milli_cpus("0.05") == 50);
    CHECK(parse_milli_cpus("1.5") == 1500);
    CHECK(parse_milli_cpus("2") == 2000);
    CHECK(parse_milli_cpus("1024.000") == milli_cpus_max);
    CHECK(parse_milli_cpus("1024000m") == milli_cpus_max);
}

TEST_CASE("Cpus: what is none, or out of range, is refused") {
    for (const auto* text :
         {"m",
          ".",
          ".5",
          "1.",
          "-1",
          "+1",
          "1.0000",
          "1024.001",
          "1024001m",
          "1025",
          "0.1m",
          "1e3",
          " 1",
          "1 ",
          "99999999999999999999m",
          "18446744073709551615"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_milli_cpus(text));
    }
}

TEST_CASE("Cpus: the text printed means the same") {
    CHECK(format_milli_cpus(0).empty());
    CHECK(format_milli_cpus(100) == "100m");
    CHECK(parse_milli_cpus(format_milli_cpus(1500)) == 1500);
}
