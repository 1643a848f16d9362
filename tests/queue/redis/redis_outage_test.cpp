// The server goes, hangs, forgets: what is lost is told as unknown, and all goes on when it is
// back.

#include <csignal>
#include <set>

#include "common/async/spawn.hpp"
#include "tests/queue/redis/redis_client.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/run.hpp"
#include "tests/support/scripted_redis.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

TEST_CASE("Redis outage: killed and started again, with all that was queued") {
    RedisServer server("--set 'appendfsync always'");
    run([](RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        auto batch = new_messages(10);
        std::set<std::string> waiting;
        for (const auto& message : batch) waiting.insert(message.call_id);
        const auto answers = co_await client.queue->put(std::move(batch));
        CHECK(std::ranges::count(answers, Put::queued) == 10);
        client.queue->credit(4);
        const auto held = co_await client.deliveries.take(4, far_away());
        redis.kill();
        CHECK(co_await client.becomes_healthy(Health::down));
        CHECK(co_await client.put_one() == Put::unknown);
        CHECK_FALSE(co_await client.queue->stats());
        redis.start();
        CHECK(co_await client.puts_again());
        CHECK(co_await client.becomes_healthy());
        client.queue->credit(6);
        // The leases outlive the server: those held do not come again yet.
        auto others = co_await client.deliveries.take(6, far_away());
        for (const auto& delivery : held) waiting.erase(delivery.message().call_id);
        for (auto& delivery : others) {
            waiting.erase(delivery.message().call_id);
            std::move(delivery).ack();
        }
        CHECK(waiting.empty());
    }(server));
}

TEST_CASE("Redis outage: a server that hangs answers unknown, and is not healthy") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        CHECK(co_await client.put_one() == Put::queued);
        redis.signal(SIGSTOP);
        CHECK(
            (co_await client.queue->put(new_messages(2))) == std::vector{Put::unknown, Put::unknown}
        );
        CHECK(co_await client.becomes_healthy(Health::down));
        CHECK(client.has_seen("timed_out"));
        redis.signal(SIGCONT);
        CHECK(co_await client.puts_again());
        CHECK(co_await client.becomes_healthy());
    }(server));
}

TEST_CASE("Redis outage: an idle queue notices that the server hangs") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        CHECK(co_await client.becomes_healthy());
        redis.signal(SIGSTOP);
        CHECK(co_await client.becomes_healthy(Health::down));
        redis.signal(SIGCONT);
        CHECK(co_await client.becomes_healthy());
    }(server));
}

TEST_CASE("Redis outage: wiped, its watermarks say that all was delivered, and puts go on") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        const auto batch = new_messages(5);
        co_await client.queue->put(batch);
        const auto put_by = wall_now();
        const auto before = co_await client.queue->stats();
        REQUIRE(before);
        CHECK(before->low_watermark[0] <= put_by);
        redis.ask("FLUSHALL");
        co_await sleep_for(2ms);  // the clocks of both count milliseconds
        const auto after = co_await client.queue->stats();
        REQUIRE(after);
        CHECK(after->low_watermark[0] > put_by);
        CHECK(after->lagging.empty());
        CHECK(client.queue->depth() == 0);
        const auto again = co_await client.queue->put(batch);
        CHECK(std::ranges::count(again, Put::queued) == 5);
        client.queue->credit(5);
        CHECK((co_await client.deliveries.take(5, far_away())).size() == 5);
    }(server));
}

TEST_CASE("Redis outage: scripts flushed under load are loaded again, and nothing is lost") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        RedisClient client(redis.url(), lane);
        std::set<std::string> seen;
        auto& queue = *client.queue;
        queue.start(lane, [&](std::vector<Delivery> deliveries) {
            for (auto& delivery : deliveries) {
                seen.insert(delivery.message().call_id);
                std::move(delivery).ack();
            }
            queue.credit(50);
        });
        queue.credit(50);
        std::size_t queued = 0;
        for (int round = 0; round < 40; ++round) {
            redis.ask("SCRIPT FLUSH");
            const auto answers = co_await queue.put(new_messages(25));
            queued += static_cast<std::size_t>(std::ranges::count(answers, Put::queued));
        }
        CHECK(queued == 1'000);
        CHECK(co_await becomes([&] { return seen.size() == queued; }));
        CHECK(client.has_seen("script_missing"));
        CHECK(queue.health() == Health::ok);
    }(server));
}

TEST_CASE("Redis outage: it is not there at first, and comes") {
    RedisServer server;
    server.stop();
    run([](RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        CHECK(co_await client.put_one() == Put::unknown);
        CHECK(client.queue->health() == Health::down);
        redis.start();
        CHECK(co_await client.becomes_healthy());
        CHECK(co_await client.put_one() == Put::queued);
    }(server));
}

TEST_CASE("Redis outage: what a server says instead of running a put") {
    struct Row {
        std::string reply;
        Put put;
        bool is_left;  ///< the connection
    };
    for (const auto& [reply, put, is_left] : std::vector<Row>{
             {"LOADING Redis is loading the dataset in memory", Put::full, true},
             {"MASTERDOWN Link with MASTER is down", Put::full, true},
             {"TRYAGAIN Multiple keys request during rehashing of slot", Put::full, true},
             {"CLUSTERDOWN Hash slot not served", Put::full, true},
             {"MOVED 3999 127.0.0.1:6381", Put::full, true},
             {"ASK 3999 127.0.0.1:6381", Put::full, true},
             {"NOSCRIPT No matching script", Put::full, false},
             {"ERR Error running script: @user_script:3", Put::unknown, false},
             {"ERR something new", Put::unknown, false},
         }) {
        CAPTURE(reply);
        run([](std::string says, Put expected, bool leaves) -> Task<> {
            const auto lane = co_await asio::this_coro::executor;
            const ScriptedRedis server(
                lane,
                [says](const auto& words) -> std::optional<std::string> {
                    if (words.front() != "EVALSHA") return std::nullopt;
                    return error_reply(says);
                }
            );
            RedisClient client(server.url(), lane);
            CHECK(co_await becomes([&] { return server.connections() == 3; }));
            CHECK(co_await client.put_one() == expected);
            if (leaves) {
                CHECK(co_await becomes([&] { return server.connections() > 3; }));
            } else {
                CHECK(client.queue->health() != Health::down);
            }
        }(reply, put, is_left));
    }
}

TEST_CASE("Redis outage: a server that still loads its data is waited for") {
    run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        int refusals = 6;
        const ScriptedRedis server(lane, [&](const auto& words) -> std::optional<std::string> {
            if (words.front() != "ROLE" || refusals == 0) return std::nullopt;
            --refusals;
            return error_reply("LOADING Redis is loading the dataset in memory");
        });
        RedisClient client(server.url(), lane);
        CHECK(co_await client.becomes_healthy());
        CHECK(client.has_seen("loading"));
    }());
}

TEST_CASE("Redis outage: a connection cut after a put was sent leaves it unknown") {
    run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        const ScriptedRedis server(lane, [](const auto& words) -> std::optional<std::string> {
            if (words.front() == "EVALSHA") return std::string(ScriptedRedis::hang_up);
            return std::nullopt;
        });
        RedisClient client(server.url(), lane);
        CHECK(co_await client.put_one() == Put::unknown);
        CHECK(client.has_seen("closed"));
    }());
}

TEST_CASE("Redis outage: answers that are not what the scripts give") {
    for (const auto& answer :
         {list_reply({}),
          integer_reply(1),
          text_reply("no"),
          list_reply({integer_reply(1), integer_reply(2), integer_reply(3)})}) {
        CAPTURE(answer);
        run([](std::string bytes) -> Task<> {
            const auto lane = co_await asio::this_coro::executor;
            const ScriptedRedis server(
                lane,
                [bytes](const auto& words) -> std::optional<std::string> {
                    if (words.front() == "EVALSHA") return bytes;
                    return std::nullopt;
                }
            );
            RedisClient client(server.url(), lane);
            client.queue->credit(5);
            const auto answers = co_await client.queue->put(new_messages(4));
            REQUIRE(answers.size() == 4);
            CHECK(answers.back() == Put::unknown);
            CHECK_FALSE(co_await client.queue->stats());
            CHECK(client.deliveries.waiting() == 0);
        }(answer));
    }
}
