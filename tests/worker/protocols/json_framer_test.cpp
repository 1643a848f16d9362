#include "worker/protocols/json_framer.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace stoker;
using State = JsonFramer::State;

namespace {

/// What the framer says in the end to bytes that come one by one.
State byte_by_byte(JsonFramer& framer, std::string_view bytes) {
    auto state = State::more;
    for (std::size_t at = 0; at < bytes.size() && state == State::more; ++at) {
        state = framer.take(bytes.substr(at, 1));
    }
    return state;
}

}  // namespace

TEST_CASE("JsonFramer: an object ends with its brace, however it is cut into pieces") {
    const std::vector<std::string> objects{
        "{}",
        R"({"a":1})",
        R"({"a":{"b":[{},{}]},"c":"}"})",
        R"({"quote":"\"}","backslash":"\\"})",
        "{\n \"line\": 1\n}",
    };
    for (const auto& object : objects) {
        CAPTURE(object);
        JsonFramer whole(1000);
        CHECK(whole.take(object) == State::complete);
        CHECK(whole.object() == object);
        CHECK_FALSE(whole.has_excess());
        JsonFramer pieces(1000);
        CHECK(byte_by_byte(pieces, object) == State::complete);
        CHECK(pieces.object() == object);
    }
}

TEST_CASE("JsonFramer: white space around the object is nothing, anything else is excess") {
    JsonFramer spaces(1000);
    CHECK(spaces.take(" \r\n\t") == State::more);
    CHECK(spaces.take(" {} \n\n") == State::complete);
    CHECK(spaces.object() == "{}");
    CHECK_FALSE(spaces.has_excess());
    for (const std::string_view more : {"{}x", "{}\n{}", "{} {"}) {
        JsonFramer framer(1000);
        CHECK(framer.take(more) == State::complete);
        CHECK(framer.object() == "{}");
        CHECK(framer.has_excess());
    }
}

TEST_CASE("JsonFramer: what does not begin with a brace is refused at its first byte") {
    for (const std::string_view wrong : {"x", "[]", "\"text\"", "12", "\n HTTP/1.1 200 OK", "}"}) {
        JsonFramer framer(1000);
        CHECK(framer.take(wrong) == State::no_object);
    }
}

TEST_CASE("JsonFramer: an object that never ends is refused at the limit") {
    JsonFramer framer(100);
    CHECK(framer.take(R"({"a":")" + std::string(90, 'x')) == State::more);
    CHECK(framer.take("12345") == State::too_large);
    JsonFramer exact(10);
    CHECK(exact.take(R"({"a":"bc"})") == State::complete);
    JsonFramer beyond(9);
    CHECK(beyond.take(R"({"a":"bc"})") == State::too_large);
}

TEST_CASE("JsonFramer: an object nested too deep is refused") {
    const auto nested = [](std::size_t depth) {
        std::string text = R"({"a":)";
        text.append(depth - 1, '[');
        text.append(depth - 1, ']');
        return text + "}";
    };
    JsonFramer fits(100'000);
    CHECK(fits.take(nested(json_depth_max)) == State::complete);
    JsonFramer deep(100'000);
    CHECK(deep.take(nested(json_depth_max + 1)) == State::too_deep);
    CHECK(is_json_within_depth(nested(json_depth_max)));
    CHECK_FALSE(is_json_within_depth(nested(json_depth_max + 1)));
    CHECK(is_json_within_depth("\"" + std::string(1000, '[') + "\""));
}
