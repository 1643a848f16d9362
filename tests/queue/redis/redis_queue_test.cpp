// What the Redis queue does beyond the conformance suite, on a real server: order, leases and who
// else gets what was lost.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <future>
#include <set>

#include "common/async/lanes.hpp"
#include "common/async/one_shot.hpp"
#include "tests/queue/redis/redis_client.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/run.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

TEST_CASE("RedisQueue: functions are served in turn") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        co_await client.queue->put(new_messages(50, "flood"));
        co_await client.queue->put(new_messages(3, "B"));
        co_await client.queue->put(new_messages(3, "C"));
        client.queue->credit(9);
        const auto taken = co_await client.deliveries.take(9, far_away());
        const auto of = [&](const std::string& fn_id) {
            return std::ranges::count(taken, fn_id, [](const Delivery& delivery) {
                return delivery.message().fn_id;
            });
        };
        CHECK(of("flood") == 3);
        CHECK(of("B") == 3);
        CHECK(of("C") == 3);
        CHECK(client.queue->depth("flood") == 50);
    }(server));
}

TEST_CASE("RedisQueue: messages of a function come first in first out, released ones first") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        const auto batch = new_messages(4);
        co_await client.queue->put(batch);
        client.queue->credit(2);
        auto first = co_await client.deliveries.take(2, far_away());
        REQUIRE(first.size() == 2);
        CHECK(first[0].message() == batch[0]);
        CHECK(first[1].message() == batch[1]);
        for (auto& delivery : first) std::move(delivery).release();
        // The releases go before the next reserve: stats() follows them on the same connection.
        co_await client.queue->stats();
        client.queue->credit(4);
        const auto again = co_await client.deliveries.take(4, far_away());
        REQUIRE(again.size() == 4);
        for (std::size_t i = 0; i < batch.size(); ++i) CHECK(again[i].message() == batch[i]);
    }(server));
}

TEST_CASE("RedisQueue: what a consumer held when it died goes to another") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const QueueOptions options{.visibility = 50ms};
        RedisClient dying(redis.url(), lane, options);
        const auto batch = new_messages(1);
        co_await dying.queue->put(batch);
        dying.queue->credit(1);
        auto held = co_await dying.deliveries.next(far_away());
        REQUIRE(held);
        dying.queue.reset();

        RedisClient other(redis.url(), lane, options);
        other.queue->credit(10);
        auto again = co_await other.deliveries.next(far_away());
        REQUIRE(again);
        CHECK(again->message() == batch.front());
        CHECK(again->deliveries() == 2);
        CHECK(again->enqueued_at() == held->enqueued_at());
        std::move(*again).ack();
    }(server));
}

TEST_CASE("RedisQueue: who lost its lease acks and releases nothing") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        RedisClient slow(redis.url(), lane, {.visibility = 20ms});
        co_await slow.queue->put(new_messages(2));
        slow.queue->credit(2);
        auto stale = co_await slow.deliveries.take(2, far_away());
        REQUIRE(stale.size() == 2);
        RedisClient other(redis.url(), lane);
        other.queue->credit(2);
        auto held = co_await other.deliveries.take(2, far_away());
        REQUIRE(held.size() == 2);
        std::move(stale[0]).ack();
        std::move(stale[1]).release();
        co_await slow.queue->drain(far_away());
        const auto stats = co_await other.queue->stats();
        REQUIRE(stats);
        CHECK(stats->leased == 2);
        CHECK(other.queue->depth() == 2);
    }(server));
}

TEST_CASE("RedisQueue: a message delivered too often is dropped, and may be put again") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        const QueueOptions options{.visibility = 10ms, .max_deliveries = 2};
        RedisClient client(redis.url(), co_await asio::this_coro::executor, options);
        const auto batch = new_messages(1);
        co_await client.queue->put(batch);
        client.queue->credit(100);
        const auto held = co_await client.deliveries.take(2, far_away());
        REQUIRE(held.size() == 2);
        CHECK(co_await becomes([&] {
            return client.metrics.render().contains("stoker_queue_dropped_total 1\n");
        }));
        CHECK(redis.ask("ZRANGE stoker:{0}:dead 0 -1") == batch.front().call_id);
        client.queue->credit(0);
        CHECK((co_await client.queue->put(batch)) == std::vector{Put::queued});
    }(server));
}

TEST_CASE("RedisQueue: a delayed message wakes another process when it is due") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        RedisClient first(redis.url(), lane);
        RedisClient second(redis.url(), lane);
        co_await first.queue->put(new_messages(1));
        first.queue->credit(1);
        auto delivery = co_await first.deliveries.next(far_away());
        REQUIRE(delivery);
        second.queue->credit(1);
        const auto released = std::chrono::steady_clock::now();
        std::move(*delivery).release(60ms);
        auto again = co_await second.deliveries.next(far_away());
        REQUIRE(again);
        CHECK(std::chrono::steady_clock::now() >= released + 60ms);
        CHECK(again->deliveries() == 1);
    }(server));
}

TEST_CASE("RedisQueue: many consumers share the messages; nothing is left behind") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        constexpr std::size_t count = 600;
        std::vector<std::unique_ptr<RedisClient>> clients;
        std::set<std::string> seen;
        const OneShot<bool> all(lane);
        for (int i = 0; i < 3; ++i) {
            clients.push_back(std::make_unique<RedisClient>(redis.url(), lane));
            auto& queue = *clients.back()->queue;
            queue.start(lane, [&](std::vector<Delivery> deliveries) {
                for (auto& delivery : deliveries) {
                    CHECK(seen.insert(delivery.message().call_id).second);
                    std::move(delivery).ack();
                }
                queue.credit(20);
                if (seen.size() == count) all.set(true);
            });
            queue.credit(20);
        }
        for (std::size_t put = 0; put < count; put += 100) {
            co_await clients.front()->queue->put(
                new_messages(100, "F" + std::to_string(put % 3), static_cast<std::uint8_t>(put % 2))
            );
        }
        CHECK(co_await all.wait(far_away()));
        for (const auto& client : clients) co_await client->queue->drain(far_away());
        CHECK(redis.ask("HGET stoker:{0}:c depth") == "0");
        redis.ask("DEL stoker:{0}:c stoker:{0}:wake");
        CHECK(redis.ask("KEYS *").empty());
    }(server));
}

TEST_CASE("RedisQueue: queues with other prefixes and databases are apart") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const auto batch = new_messages(1);
        for (const auto* where : {"", "?prefix=other", "/5", "/5?prefix=other"}) {
            RedisClient client(redis.url() + where, lane);
            CHECK((co_await client.queue->put(batch)) == std::vector{Put::queued});
        }
    }(server));
}

TEST_CASE("RedisQueue: statistics name the functions that are behind") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        RedisClient client(redis.url(), lane, {.visibility = 1ms});
        const auto before = wall_now();
        co_await client.queue->put(new_messages(2, "behind"));
        const auto deadline = far_away();
        auto stats = co_await client.queue->stats();
        while (stats && stats->lagging.empty() && !has_passed(deadline)) {
            stats = co_await client.queue->stats();
        }
        REQUIRE(stats);
        REQUIRE(stats->lagging.size() == 1);
        CHECK(stats->lagging[0].first == "behind");
        CHECK(stats->lagging[0].second >= before);
        CHECK(stats->lagging[0].second == stats->low_watermark[0]);
        CHECK(stats->low_watermark[2] > stats->low_watermark[0]);
        CHECK(stats->exact);
    }(server));
}

TEST_CASE("RedisQueue: it may be destroyed after its lane has been shut down, with all under way") {
    const RedisServer server;
    Metrics metrics;
    Lanes lanes(1);
    const auto queue = open_redis_queue(server.url(), {}, lanes.at(0), metrics);
    std::vector<Delivery> held;
    std::promise<void> delivered;
    queue->start(lanes.at(0), [&](std::vector<Delivery> deliveries) {
        held = std::move(deliveries);
        delivered.set_value();
    });
    queue->credit(1);
    lanes.start();
    const auto answers =
        asio::co_spawn(lanes.at(0), queue->put(new_messages(3)), asio::use_future).get();
    CHECK(std::ranges::count(answers, Put::queued) == 3);
    delivered.get_future().wait();
    lanes.stop();
    CHECK(held.size() == 1);
}
