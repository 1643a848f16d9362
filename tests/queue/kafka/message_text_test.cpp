#include "queue/kafka/message_text.hpp"

#include <doctest/doctest.h>

using namespace stoker;
using namespace stoker::kafka;

TEST_CASE("Kafka message: as it was put, with the priority of its topic") {
    const Message message{"01KCALL", "01KFN", 2};
    const auto text = to_text(message);
    CHECK(text == R"({"call":"01KCALL","fn":"01KFN","v":1})");
    CHECK(from_text(text, 2) == message);
}

TEST_CASE("Kafka message: what is none of ours is told apart") {
    CHECK(from_text(R"({"v":1,"call":"c","fn":"f","more":[1,2]})", 0));
    for (const auto* bad : {
             "",
             "null",
             "[]",
             "{",
             "\xff\xfe",
             R"({"call":"c","fn":"f"})",
             R"({"v":2,"call":"c","fn":"f"})",
             R"({"v":"1","call":"c","fn":"f"})",
             R"({"v":1,"call":"","fn":"f"})",
             R"({"v":1,"call":7,"fn":"f"})",
             R"({"v":1,"call":"c"})",
         }) {
        CAPTURE(bad);
        CHECK_FALSE(from_text(bad, 0));
    }
    CHECK_FALSE(from_text(R"({"v":1,"fn":"f","call":")" + std::string(300, 'c') + "\"}", 0));
    CHECK_FALSE(from_text(std::string(1'000'000, '['), 0));
}
