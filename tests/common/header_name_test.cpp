#include "common/http/header_name.hpp"

#include <doctest/doctest.h>

using namespace stoker;

TEST_CASE("canonical_header_name: words begin with a capital, as Go spells them") {
    CHECK(canonical_header_name("content-TYPE") == "Content-Type");
    CHECK(canonical_header_name("FN_CALL_ID") == "Fn_call_id");
    CHECK(canonical_header_name("x--a") == "X--A");
    CHECK(canonical_header_name("1a-b2C") == "1a-B2c");
    CHECK(canonical_header_name("") == "");
    CHECK(canonical_header_name("not a name") == "not a name");
}
