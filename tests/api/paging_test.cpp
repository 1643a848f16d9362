#include "api/paging.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace stoker::test {

TEST_CASE("page_of: per_page follows Fn's rules") {
    const auto items = [](std::string_view query) {
        return page_of(QueryParams(query))->items_max;
    };
    CHECK(items("") == 30);
    CHECK(items("per_page=7") == 7);
    CHECK(items("per_page=100") == 100);
    CHECK(items("per_page=101") == 100);
    CHECK(items("per_page=99999999999999") == 100);
    CHECK(items("per_page=-99999999999999") == 30);
    CHECK(items("per_page=0") == 30);
    CHECK(items("per_page=-1") == 30);
    CHECK(items("per_page=seven") == 30);
    CHECK(items("per_page=7x") == 30);
    CHECK(items("per_page=") == 30);
}

TEST_CASE("cursor: any text survives, what is no cursor does not") {
    for (const std::string text : {"", "a", "ab", "abc", "\xff\xfe\xfd", "name-with.dots"}) {
        CHECK(decode_cursor(encode_cursor(text)) == text);
    }
    CHECK(encode_cursor("app") == "YXBw");
    CHECK(encode_cursor("\xff\xff") == "__8");
    for (const auto* bad : {"a", "a b", "YXBw=", "YX+w", "_", "__9"}) {
        CHECK_FALSE(decode_cursor(bad));
        CHECK(
            page_of(QueryParams(std::string("cursor=") + bad)).error().code == Errc::invalid_cursor
        );
    }
}

TEST_CASE("list_json: a full page points to the next one") {
    const Page page{.after = {}, .items_max = 2};
    CHECK(list_json({}, page, "").dump() == R"({"items":[]})");
    CHECK(list_json({1}, page, "b").dump() == R"({"items":[1]})");
    CHECK(list_json({1, 2}, page, "app").dump() == R"({"next_cursor":"YXBw","items":[1,2]})");
}

}  // namespace stoker::test
