#include "common/base64.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

using namespace stoker;

TEST_CASE("base64: the vectors of RFC 4648, there and back, padded or not") {
    const std::vector<std::pair<std::string, std::string>> pairs{
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [bytes, text] : pairs) {
        CAPTURE(bytes);
        CHECK(base64url_encode(bytes) == text);
        CHECK(base64_decode(text) == bytes);
        CHECK(base64_decode(text.substr(0, text.find('='))) == bytes);
    }
}

TEST_CASE("base64: every byte survives, in both alphabets") {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    auto text = base64url_encode(bytes);
    CHECK(text.contains('-'));
    CHECK(text.contains('_'));
    CHECK(base64_decode(text) == bytes);
    for (auto& c : text) {
        if (c == '-') c = '+';
        if (c == '_') c = '/';
    }
    CHECK(base64_decode(text) == bytes);
}

TEST_CASE("base64: what is none is refused") {
    for (const std::string bad :
         {"Z", "Zm9vY", "Zm9 v", "Zm\n9v", "Zg===", "Z=g=", "====", "\xC3\xA4"}) {
        CAPTURE(bad);
        CHECK_FALSE(base64_decode(bad));
    }
}
