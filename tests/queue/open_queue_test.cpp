#include "queue/open_queue.hpp"

#include <doctest/doctest.h>

using namespace stoker;

TEST_CASE("open_queue: the schemes that mean the embedded queue open it") {
    asio::io_context lane(1);
    Metrics metrics;
    for (const auto* url : {"embedded:", "memory:", "bolt:", "bolt:///srv/data/fn.mq"}) {
        CAPTURE(url);
        CHECK(check_queue_url(url));
        const auto queue = open_queue(url, {}, lane.get_executor(), metrics);
        REQUIRE(queue);
        CHECK((*queue)->health() == Health::ok);
        CHECK((*queue)->depth() == 0);
    }
}

TEST_CASE("open_queue: an unknown scheme is a clear error without the rest of the URL") {
    asio::io_context lane(1);
    Metrics metrics;
    const auto queue = open_queue("amqp://user:secret@host", {}, lane.get_executor(), metrics);
    REQUIRE_FALSE(queue);
    CHECK(
        queue.error().message ==
        "unknown queue scheme \"amqp:\"; known are: embedded:, redis:, redis+sentinel:, kafka:"
    );
    for (const auto* bad : {"", "embedded", "/path"}) CHECK_FALSE(check_queue_url(bad));
}

TEST_CASE("open_queue: Redis may be away; what is wrong with its URL is told without the password"
) {
    asio::io_context lane(1);
    Metrics metrics;
    const auto queue = open_queue("redis://127.0.0.1:1", {}, lane.get_executor(), metrics);
    REQUIRE(queue);
    CHECK((*queue)->health() == Health::down);
    const auto bad = open_queue("redis://u:secret@host/x", {}, lane.get_executor(), metrics);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().message.contains("the database is not a number"));
    CHECK_FALSE(bad.error().message.contains("secret"));
}
