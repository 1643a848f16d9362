#include "common/json_text.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace stoker;

namespace {

std::string json_of(std::string_view text) {
    std::string out = "x";
    append_json_string(out, text);
    return out.substr(1);
}

}  // namespace

TEST_CASE("JSON text: every text becomes a literal that reads back as it was") {
    CHECK(json_of("") == "\"\"");
    CHECK(json_of("plain text") == "\"plain text\"");
    for (const std::string& text :
         {std::string("quote\"back\\slash"),
          std::string("\0\x01\n\t\x7f", 5),
          std::string("caf\xC3\xA9 \xF0\x9F\x98\x80")}) {
        CHECK(nlohmann::json::parse(json_of(text)) == text);
    }
}

TEST_CASE("JSON text: bytes that are no UTF-8 become the replacement character") {
    CHECK(nlohmann::json::parse(json_of("a\xFFz")) == "a\xEF\xBF\xBDz");
    CHECK(nlohmann::json::parse(json_of("\xC3")) == "\xEF\xBF\xBD");
}
