#include "queue/kafka/lag.hpp"

#include <doctest/doctest.h>

using namespace stoker::kafka;

namespace {
constexpr Partition first{.priority = 0, .number = 0};
constexpr Partition second{.priority = 2, .number = 1};
}  // namespace

TEST_CASE("Kafka lag: what is put counts at once, and what is acked no more") {
    Lag lag;
    for (const auto offset : {0, 1, 2}) lag.put(first, offset, "F");
    lag.put(second, 0, "G");
    CHECK(lag.all() == 4);
    CHECK(lag.of("F") == 3);
    CHECK(lag.of("G") == 1);
    CHECK(lag.of("H") == 0);
    lag.settled(first, 1, 1);  // 0 and 2 are done
    CHECK(lag.all() == 2);
    CHECK(lag.of("F") == 2);  // those before the watermark are known to be done
    lag.settled(first, 3, 0);
    CHECK(lag.all() == 1);
    CHECK(lag.of("F") == 0);
}

TEST_CASE("Kafka lag: the cluster tells what others put and committed") {
    Lag lag;
    lag.put(first, 10, "F");
    lag.learn(first, 20, 5, lag.now());
    CHECK(lag.all() == 15);
    CHECK(lag.of("F") == 1);
    lag.learn(first, 20, 12, lag.now());
    CHECK(lag.all() == 8);
    CHECK(lag.of("F") == 0);
}

TEST_CASE("Kafka lag: what happened after the question is not undone by the answer") {
    Lag lag;
    const auto asked_at = lag.now();
    lag.put(first, 0, "F");
    lag.learn(first, 0, 0, asked_at);
    CHECK(lag.all() == 1);
    CHECK(lag.of("F") == 1);
}

TEST_CASE("Kafka lag: of partitions that are ours the watermark counts, later what was committed") {
    Lag lag;
    for (const auto offset : {0, 1, 2, 3}) lag.put(first, offset, "F");
    lag.settled(first, 3, 0);
    lag.learn(first, 4, 1, lag.now());  // commits come a little later
    CHECK(lag.all() == 1);
    lag.revoked();
    CHECK(lag.all() == 1);
    lag.learn(first, 4, 4, lag.now());
    CHECK(lag.all() == 0);
}

TEST_CASE("Kafka lag: a topic that was made anew begins anew") {
    Lag lag;
    for (const auto offset : {0, 1, 2, 3}) lag.put(first, offset, "F");
    lag.settled(first, 2, 0);
    lag.learn(first, 0, 0, lag.now());
    CHECK(lag.all() == 0);
    CHECK(lag.of("F") == 0);
    lag.put(first, 0, "F");
    CHECK(lag.all() == 1);
    CHECK(lag.of("F") == 1);
}

TEST_CASE("Kafka lag: a message that was acked before its put was answered does not count") {
    Lag lag;
    lag.settled(first, 1, 0);
    lag.put(first, 0, "F");
    CHECK(lag.all() == 0);
    CHECK(lag.of("F") == 0);
}
