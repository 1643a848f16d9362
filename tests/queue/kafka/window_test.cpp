#include "queue/kafka/window.hpp"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <vector>

using namespace stoker::kafka;

TEST_CASE("Kafka window: the watermark stays before the first that is not done") {
    Window window;
    CHECK_FALSE(window.has_begun());
    for (const auto offset : {5, 6, 7, 8}) window.fetched(offset);
    CHECK(window.watermark() == 5);
    window.done(6);
    window.done(7);
    CHECK(window.watermark() == 5);
    CHECK(window.done_above() == 2);
    window.done(5);
    CHECK(window.watermark() == 8);
    CHECK(window.done_above() == 0);
    CHECK(window.size() == 1);
    window.done(8);
    CHECK(window.watermark() == 9);
    CHECK(window.size() == 0);
}

TEST_CASE("Kafka window: gaps of the log are passed over") {
    Window window;
    for (const auto offset : {10, 20, 30}) window.fetched(offset);
    window.done(10);
    CHECK(window.watermark() == 20);
    window.done(20);
    window.done(30);
    CHECK(window.watermark() == 31);
    window.fetched(100);
    CHECK(window.watermark() == 100);
}

TEST_CASE("Kafka window: what is done twice, or was never fetched, counts once or not at all") {
    Window window;
    for (const auto offset : {0, 1, 2}) window.fetched(offset);
    window.done(1);
    window.done(1);
    window.done(77);
    CHECK(window.done_above() == 1);
    window.done(0);
    window.done(0);
    CHECK(window.watermark() == 2);
    CHECK(window.done_above() == 0);
}

TEST_CASE("Kafka window: an offset that was there before says that the log has begun anew") {
    Window window;
    CHECK(window.follows(0));
    window.fetched(7);
    CHECK_FALSE(window.follows(7));
    CHECK_FALSE(window.follows(0));
    CHECK(window.follows(8));
}

TEST_CASE("Kafka window: in any order of settling, the watermark is that of a plain set") {
    std::minstd_rand random(20'26);  // NOLINT: always the same
    for (int round = 0; round < 200; ++round) {
        Window window;
        std::set<std::int64_t> open;
        std::int64_t next = 0;
        for (int step = 0; step < 100; ++step) {
            if (open.empty() || random() % 2 == 0) {
                next += static_cast<std::int64_t>(1 + random() % 3);
                window.fetched(next - 1);
                open.insert(next - 1);
            } else {
                auto at = open.begin();
                std::advance(at, static_cast<std::ptrdiff_t>(random() % open.size()));
                window.done(*at);
                open.erase(at);
            }
            REQUIRE(window.watermark() == (open.empty() ? next : *open.begin()));
        }
    }
}
