#include "common/utf8.hpp"

#include <doctest/doctest.h>

using namespace stoker;

TEST_CASE("UTF-8: code points of every length are taken from the front") {
    std::string_view text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
    CHECK(is_utf8(text));
    for (const char32_t expected : {U'a', U'\u00E9', U'\u20AC', U'\U0001F600', U'z'}) {
        CHECK(take_code_point(text) == expected);
    }
    CHECK(text.empty());
    CHECK_FALSE(take_code_point(text));
}

TEST_CASE("UTF-8: stray, cut, overlong, surrogate and too large ones are refused") {
    for (const auto* bad :
         {"\x80",
          "\xC3",
          "\xC3(",
          "\xE2\x82",
          "\xF0\x9F\x98",
          "\xC0\x80",
          "\xC1\xBF",
          "\xE0\x80\x80",
          "\xF0\x80\x80\x80",
          "\xED\xA0\x80",
          "\xF4\x90\x80\x80",
          "\xF5\x80\x80\x80",
          "\xFF"}) {
        CHECK_FALSE(is_utf8(bad));
    }
    CHECK(is_utf8(""));
}

TEST_CASE("UTF-8: letters and digits of any script are told from signs") {
    for (const char32_t yes : {U'a', U'Z', U'0', U'\u00E9', U'\u65E5', U'\u0416', U'\u0663'}) {
        CHECK(is_letter_or_digit(yes));
    }
    for (const char32_t no : {U' ', U'-', U'_', U'\u20AC', U'\u00A0', U'\u2014', U'\U0001F600'}) {
        CHECK_FALSE(is_letter_or_digit(no));
    }
}
