#include "queue/kafka/topics.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace stoker::kafka;

namespace {

TopicFacts good_topic() {
    return {
        .partitions = 12,
        .replicas = 3,
        .config =
            {
                {"min.insync.replicas", "2"},
                {"unclean.leader.election.enable", "false"},
                {"retention.ms", "604800000"},
                {"message.timestamp.type", "LogAppendTime"},
                {"cleanup.policy", "delete"},
            }
    };
}

}  // namespace

TEST_CASE("Kafka topics: nothing is said of good ones") {
    CHECK(warnings_of(good_topic()).empty());
    auto forever = good_topic();
    forever.config["retention.ms"] = "-1";
    CHECK(warnings_of(forever).empty());
}

TEST_CASE("Kafka topics: what costs something is told with its value") {
    struct Bad {
        const char* setting;
        const char* value;
    };
    for (const auto& [setting, value] : {
             Bad{"min.insync.replicas", "1"},
             Bad{"min.insync.replicas", "3"},
             Bad{"unclean.leader.election.enable", "true"},
             Bad{"retention.ms", "60000"},
             Bad{"message.timestamp.type", "CreateTime"},
             Bad{"cleanup.policy", "compact"},
         }) {
        CAPTURE(setting);
        auto topic = good_topic();
        topic.config[setting] = value;
        const auto warnings = warnings_of(topic);
        REQUIRE(warnings.size() == 1);
        CHECK(warnings[0].setting == setting);
        CHECK(warnings[0].value == value);
    }
}

TEST_CASE("Kafka topics: one replica is told, and its min.insync.replicas is not") {
    auto topic = good_topic();
    topic.replicas = 1;
    topic.config["min.insync.replicas"] = "1";
    const auto warnings = warnings_of(topic);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].setting == "replicas");
}

TEST_CASE("Kafka topics: who may not ask is told so once") {
    const TopicFacts unknown{
        .partitions = 12, .replicas = 3, .is_config_known = false, .config = {}
    };
    const auto warnings = warnings_of(unknown);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0].setting == "config");
}
