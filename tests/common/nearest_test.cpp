#include "common/nearest.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace stoker;

TEST_CASE("nearest_word: a slip finds the word meant, something else finds none") {
    const std::vector<std::string> words{"start", "invoke", "calls get", "calls list", "logs"};
    CHECK(nearest_word("strat", words) == "start");
    CHECK(nearest_word("invok", words) == "invoke");
    CHECK(nearest_word("log", words) == "logs");
    CHECK(nearest_word("start", words) == "start");
    CHECK(nearest_word("deploy", words).empty());
    CHECK(nearest_word("", words).empty());
    CHECK(nearest_word("x", words).empty());
    CHECK(nearest_word(std::string(1000, 's'), words).empty());
    CHECK(nearest_word("start", {}).empty());
    CHECK(did_you_mean("strat", words) == " (did you mean start?)");
    CHECK(did_you_mean("deploy", words).empty());
}
