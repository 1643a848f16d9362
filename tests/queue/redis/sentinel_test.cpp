// A master, a replica and a Sentinel, all real.

#include "tests/queue/redis/redis_client.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/run.hpp"
#include "tests/support/scripted_redis.hpp"

using namespace stoker;
using namespace stoker::test;

TEST_CASE("Redis Sentinel: when the master dies, the queue goes on with the one that follows") {
    RedisServer master;
    const RedisServer replica("--set 'replicaof 127.0.0.1 " + std::to_string(master.port()) + "'");
    const RedisServer sentinel("--sentinel main:" + std::to_string(master.port()));
    run([](RedisServer& first, const RedisServer& second, const RedisServer& guard) -> Task<> {
        const auto url = "redis+sentinel://127.0.0.1:1," + guard.address() + "/main";
        RedisClient client(url, co_await asio::this_coro::executor);
        CHECK(co_await client.puts_again());
        CHECK(co_await client.becomes_healthy());
        CHECK(co_await becomes([&] {
            return guard.ask("SENTINEL REPLICAS main").contains(std::to_string(second.port())) &&
                   second.ask("INFO replication").contains("master_link_status:up");
        }));
        first.kill();
        CHECK(co_await client.puts_again());
        CHECK(second.ask("ROLE").starts_with("master"));
        CHECK(co_await client.becomes_healthy());
        CHECK(second.ask("HGET stoker:{0}:c depth") != "");
    }(master, replica, sentinel));
}

TEST_CASE("Redis Sentinel: one that does not know the master, or knows it no more") {
    const RedisServer server;
    const RedisServer sentinel("--sentinel main:" + std::to_string(server.port()));
    run([](const RedisServer& guard) -> Task<> {
        RedisClient client(
            "redis+sentinel://" + guard.address() + "/other", co_await asio::this_coro::executor
        );
        CHECK(co_await client.put_one() == Put::unknown);
        CHECK(client.has_seen("unreachable"));
        CHECK(client.queue->health() == Health::down);
    }(sentinel));
}

TEST_CASE("Redis Sentinel: what is no Sentinel is told") {
    run([]() -> Task<> {
        const auto lane = co_await asio::this_coro::executor;
        for (const auto& answer :
             {list_reply({text_reply("127.0.0.1"), text_reply("no port")}),
              list_reply({text_reply(""), text_reply("6379")}),
              error_reply("ERR unknown command 'SENTINEL'")}) {
            CAPTURE(answer);
            const ScriptedRedis server(lane, [&](const auto&) { return answer; });
            RedisClient client("redis+sentinel://" + server.address() + "/main", lane);
            CHECK(co_await client.put_one() == Put::unknown);
            CHECK(client.queue->health() == Health::down);
        }
    }());
}
