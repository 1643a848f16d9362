#include "model/error.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace stoker;

TEST_CASE("Error: every code has an HTTP error status, a snake_case word of its own and a text") {
    std::set<std::string_view> words;
    for (int i = 0; i <= static_cast<int>(Errc::internal); ++i) {
        const auto& spec = spec_of(static_cast<Errc>(i));
        CAPTURE(spec.word);
        CHECK(spec.status >= 400);
        CHECK(spec.status < 600);
        CHECK(words.insert(spec.word).second);
        CHECK(std::ranges::all_of(spec.word, [](char c) {
            return c == '_' || (c >= 'a' && c <= 'z');
        }));
        CHECK_FALSE(spec.message.empty());
    }
}

TEST_CASE("Error: its own message comes before the table's") {
    CHECK(Error{Errc::app_not_found, {}, {}}.text() == "App not found");
    CHECK(Error{Errc::app_not_found, "mine", {}}.text() == "mine");
    const Result<int> failed = fail(Errc::conflict, "twice", "why");
    CHECK(failed.error().code == Errc::conflict);
    CHECK(failed.error().detail == "why");
}
