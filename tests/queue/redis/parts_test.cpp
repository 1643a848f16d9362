// The parts of the Redis queue that need no server.

#include <doctest/doctest.h>

#include "queue/redis/backoff.hpp"
#include "queue/redis/depths.hpp"
#include "queue/redis/scripts.hpp"
#include "queue/redis/server_check.hpp"

using namespace stoker;
using namespace std::chrono_literals;

TEST_CASE("Redis backoff: anything up to a bound that doubles, and begins anew") {
    redis::Backoff backoff(50ms, 5'000ms, 7);
    Millis longest{0};
    for (Millis bound = 50ms; bound < 5'000ms; bound *= 2) {
        const auto pause = backoff.next();
        CHECK(pause >= 0ms);
        CHECK(pause <= bound);
    }
    for (int i = 0; i < 1'000; ++i) longest = std::max(longest, backoff.next());
    CHECK(longest <= 5'000ms);
    CHECK(longest > 4'000ms);
    backoff.succeeded();
    CHECK(backoff.next() <= 50ms);
}

TEST_CASE("Redis depths: what is being removed does not count, also when the server is late") {
    redis::Depths depths;
    depths.queued("f");
    depths.queued("f");
    depths.queued("g");
    CHECK(depths.all() == 3);
    CHECK(depths.of("f") == 2);
    CHECK(depths.of("h") == 0);
    depths.removing("f");
    CHECK(depths.all() == 2);
    CHECK(depths.of("f") == 1);
    depths.learn(3, {{"f", 2}, {"g", 1}});  // it has not seen the ack yet
    CHECK(depths.all() == 2);
    depths.removed("f", true);
    CHECK(depths.all() == 2);
    depths.removing("f");
    depths.removed("f", false);  // the server was not reached
    CHECK(depths.of("f") == 1);
    depths.learn(0, {});
    CHECK(depths.all() == 0);
    depths.removed("f", true);
    CHECK(depths.all() == 0);
}

TEST_CASE("Redis scripts: each is built in and says by its flags when it may run") {
    CHECK(redis::text_of(redis::Script::enqueue).starts_with("#!lua\n"));
    CHECK(redis::text_of(redis::Script::reserve).starts_with("#!lua flags=allow-oom\n"));
    CHECK(redis::text_of(redis::Script::ack).starts_with("#!lua flags=allow-oom\n"));
    CHECK(redis::text_of(redis::Script::release).starts_with("#!lua flags=allow-oom\n"));
    CHECK(redis::text_of(redis::Script::stats).starts_with("#!lua flags=no-writes\n"));
}

TEST_CASE("Redis server check: settings that suit a queue give no warning") {
    redis::ServerFacts facts;
    facts.version = "7.0.15";
    facts.config = {
        {"maxmemory-policy", "noeviction"},
        {"maxmemory", "1000"},
        {"appendonly", "yes"},
        {"appendfsync", "everysec"},
        {"no-appendfsync-on-rewrite", "no"}
    };
    CHECK(redis::unusable_reason(facts).empty());
    CHECK(redis::warnings_of(facts).empty());
    facts.config["appendfsync"] = "always";
    CHECK(redis::warnings_of(facts).empty());

    struct Row {
        std::string setting;
        std::string value;
    };
    for (const auto& [setting, value] : std::vector<Row>{
             {"maxmemory-policy", "allkeys-lru"},
             {"maxmemory", "0"},
             {"appendonly", "no"},
             {"appendfsync", "no"},
             {"no-appendfsync-on-rewrite", "yes"}
         }) {
        CAPTURE(setting);
        auto bad = facts;
        bad.config[setting] = value;
        const auto warnings = redis::warnings_of(bad);
        REQUIRE(warnings.size() == 1);
        CHECK(warnings.front().setting == setting);
        CHECK(warnings.front().value == value);
    }
}

TEST_CASE("Redis server check: without a file it does not matter how it is synced") {
    redis::ServerFacts facts;
    facts.config = {{"appendonly", "no"}, {"appendfsync", "no"}};
    CHECK(redis::warnings_of(facts).size() == 1);
}

TEST_CASE("Redis server check: a server that keeps its settings to itself gets one warning") {
    redis::ServerFacts facts;
    facts.is_config_known = false;
    CHECK(redis::warnings_of(facts).size() == 1);
}

TEST_CASE("Redis server check: a cluster and an old version cannot be used") {
    redis::ServerFacts facts;
    facts.is_cluster = true;
    CHECK(redis::unusable_reason(facts).contains("Cluster"));
    facts = {};
    facts.version = "6.2.14";
    CHECK(redis::unusable_reason(facts).contains("6.2.14"));
    facts.version = "10.1.0";
    CHECK(redis::unusable_reason(facts).empty());
    facts.version = "";  // we may not ask
    CHECK(redis::unusable_reason(facts).empty());
}
