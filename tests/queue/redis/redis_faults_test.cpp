// Every fault of the table, as far as a real server can be brought to it.

#include <filesystem>
#include <thread>

#include "tests/queue/redis/redis_client.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/run.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

namespace {

/// A put is refused while the server is as `spoil` leaves it, and goes through after `mend`.
Task<> refuses_until_mended(
    const RedisServer& server, std::string fault, std::string spoil, std::string mend
) {
    RedisClient client(server.url(), co_await asio::this_coro::executor);
    CHECK(co_await client.put_one() == Put::queued);
    server.ask(spoil);
    CHECK(co_await client.put_one() == Put::full);
    CHECK(client.queue->health() == Health::degraded);
    CHECK(client.has_seen(fault));
    server.ask(mend);
    CHECK(co_await client.put_one() == Put::queued);
    CHECK(co_await client.becomes_healthy());
}

/// What check_server() says of an URL; empty when it may be used.
std::string refusal_of(const std::string& url) {
    const auto settings = redis::parse_url(url);
    REQUIRE(settings);
    const auto usable = RedisQueue::check_server(*settings);
    return usable ? "" : std::string(usable.error().text());
}

/// A queue that gets nowhere, because of this.
Task<> stays_down(std::string url, std::string fault) {
    RedisClient client(url, co_await asio::this_coro::executor);
    CHECK(co_await client.put_one() == Put::unknown);
    CHECK(client.queue->health() == Health::down);
    CHECK(client.has_seen(fault));
}

}  // namespace

TEST_CASE("Redis fault: out of memory refuses puts, and what is there still drains") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        co_await client.queue->put(new_messages(20));
        redis.ask("CONFIG SET maxmemory 1");
        CHECK(co_await client.put_one() == Put::full);
        CHECK(client.queue->health() == Health::degraded);
        CHECK(client.has_seen("out_of_memory"));
        client.queue->credit(20);
        auto taken = co_await client.deliveries.take(20, far_away());
        REQUIRE(taken.size() == 20);
        std::move(taken[0]).release(1ms);
        for (std::size_t i = 1; i < taken.size(); ++i) std::move(taken[i]).ack();
        client.queue->credit(1);
        auto again = co_await client.deliveries.next(far_away());
        REQUIRE(again);
        std::move(*again).ack();
        co_await client.queue->stats();
        CHECK(client.queue->depth() == 0);
        redis.ask("CONFIG SET maxmemory 0");
        CHECK(co_await client.put_one() == Put::queued);
        CHECK(co_await client.becomes_healthy());
    }(server));
}

TEST_CASE("Redis fault: too few replicas") {
    const RedisServer server;
    run(refuses_until_mended(
        server,
        "too_few_replicas",
        "CONFIG SET min-replicas-to-write 1",
        "CONFIG SET min-replicas-to-write 0"
    ));
}

TEST_CASE("Redis fault: files that cannot be written") {
    const TempDir folder;
    const auto data = folder.path() / "data";
    std::filesystem::create_directory(data);
    const RedisServer server(
        "--set 'enable-protected-configs yes' --set 'appendonly no' --set 'save 3600 1' --set "
        "'dir " +
        data.string() + "'"
    );
    run([](const RedisServer& redis, std::filesystem::path dir) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        CHECK(co_await client.put_one() == Put::queued);
        std::filesystem::remove_all(dir);
        redis.ask("BGSAVE");
        CHECK(co_await becomes([&] {
            return redis.ask("INFO persistence").contains("rdb_last_bgsave_status:err");
        }));
        CHECK(co_await client.put_one() == Put::full);
        CHECK(client.queue->health() == Health::degraded);
        CHECK(client.has_seen("disk_broken"));
        std::filesystem::create_directory(dir);
        redis.ask({"CONFIG", "SET", "dir", dir.string()});
        redis.ask("BGSAVE");
        CHECK(co_await client.puts_again());
        CHECK(co_await client.becomes_healthy());
    }(server, data));
}

TEST_CASE("Redis fault: a master that becomes a replica is left, and taken again") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        CHECK(co_await client.put_one() == Put::queued);
        redis.ask("REPLICAOF 127.0.0.1 1");
        CHECK(co_await client.put_one() == Put::full);
        CHECK(co_await client.becomes_healthy(Health::down));
        CHECK(client.has_seen("read_only"));
        CHECK(co_await client.put_one() != Put::queued);
        redis.ask("REPLICAOF NO ONE");
        CHECK(co_await client.puts_again());
        CHECK(co_await client.becomes_healthy());
    }(server));
}

TEST_CASE("Redis fault: a password is missing, wrong, right") {
    const RedisServer server({}, ":secret");
    CHECK(refusal_of(server.url()).empty());
    CHECK(refusal_of("redis://" + server.address()).contains("NOAUTH"));
    const auto wrong = refusal_of("redis://:guess@" + server.address());
    CHECK(wrong.contains("WRONGPASS"));
    CHECK_FALSE(wrong.contains("guess"));
    run(stays_down("redis://" + server.address(), "auth_needed"));
    run(stays_down("redis://:guess@" + server.address(), "wrong_password"));
    run([](const RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        CHECK(co_await client.put_one() == Put::queued);
    }(server));
}

TEST_CASE("Redis fault: a password where the server wants none") {
    const RedisServer server;
    CHECK(refusal_of("redis://:secret@" + server.address()).contains("ERR AUTH"));
    CHECK(refusal_of("redis://user:secret@" + server.address()).contains("WRONGPASS"));
}

TEST_CASE("Redis fault: the password is changed while all goes on, and changed back") {
    const RedisServer server;
    server.ask("ACL SETUSER stoker on >secret ~* +@all");
    run([](const RedisServer& redis) -> Task<> {
        const auto url = "redis://stoker:secret@" + redis.address();
        RedisClient client(url, co_await asio::this_coro::executor);
        CHECK(co_await client.put_one() == Put::queued);
        redis.ask("ACL SETUSER stoker resetpass >other");
        redis.ask("CLIENT KILL USER stoker");
        CHECK(co_await becomes([&] { return client.has_seen("wrong_password"); }));
        CHECK(co_await client.becomes_healthy(Health::down));
        redis.ask("ACL SETUSER stoker resetpass >secret");
        CHECK(co_await client.puts_again());
        CHECK(co_await client.becomes_healthy());
    }(server));
}

TEST_CASE("Redis fault: a user may do just what the documentation says it needs") {
    const RedisServer server;
    // As in docs/redis.md.
    server.ask(
        "ACL SETUSER stoker on >secret resetkeys ~stoker:* resetchannels -@all +@read +@write "
        "+@connection +evalsha +script|load +time +role +info +config|get"
    );
    const auto url = "redis://stoker:secret@" + server.address();
    CHECK(refusal_of(url).empty());
    run([](std::string account) -> Task<> {
        RedisClient client(account, co_await asio::this_coro::executor);
        CHECK(co_await client.put_one() == Put::queued);
        CHECK(co_await client.becomes_healthy());
        client.queue->credit(2);
        auto delivery = co_await client.deliveries.next(far_away());
        REQUIRE(delivery);
        std::move(*delivery).release(1ms);
        delivery = co_await client.deliveries.next(far_away());
        REQUIRE(delivery);
        std::move(*delivery).ack();
        CHECK(co_await client.queue->stats());
        CHECK(client.queue->depth() == 0);
    }(url));
}

TEST_CASE("Redis fault: a user that may not run scripts, or not touch our keys") {
    const RedisServer server;
    server.ask("ACL SETUSER reader on >secret ~* +@read +@connection +role +info");
    server.ask("ACL SETUSER other on >secret ~other:* +@all");
    for (const auto* user : {"reader", "other"}) {
        CAPTURE(user);
        run([](std::string url) -> Task<> {
            RedisClient client(url, co_await asio::this_coro::executor);
            CHECK(co_await client.put_one() == Put::full);
            CHECK(client.has_seen("not_permitted"));
            CHECK(co_await client.becomes_healthy(Health::down));
        }("redis://" + std::string(user) + ":secret@" + server.address()));
    }
}

TEST_CASE("Redis fault: somebody's script runs for ever, until it is killed") {
    const RedisServer server("--set 'busy-reply-threshold 10'");
    run([](const RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        CHECK(co_await client.put_one() == Put::queued);
        std::jthread script([&] { redis.ask({"EVAL", "while true do end", "0"}); });
        CHECK(co_await becomes([&] { return client.has_seen("busy"); }));
        CHECK(co_await client.put_one() != Put::queued);
        CHECK(co_await client.becomes_healthy(Health::down));
        redis.ask("SCRIPT KILL");
        CHECK(co_await client.puts_again());
        CHECK(co_await client.becomes_healthy());
    }(server));
}

TEST_CASE("Redis fault: too many clients") {
    // Two of our three connections fit.
    const RedisServer server("--set 'maxclients 2'");
    run([](const RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        CHECK(co_await becomes([&] { return client.has_seen("too_many_clients"); }));
        CHECK(client.queue->health() != Health::ok);
    }(server));
}

TEST_CASE("Redis fault: a server of a cluster is refused") {
    const RedisServer server("--set 'cluster-enabled yes'");
    CHECK(refusal_of(server.url()).contains("Cluster"));
    run([](const RedisServer& redis) -> Task<> {
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        CHECK(co_await client.becomes_healthy(Health::down));
        CHECK(co_await client.put_one() != Put::queued);
        CHECK(co_await becomes([&] { return client.has_seen("unusable"); }));
    }(server));
}

TEST_CASE("Redis fault: keys under our prefix that are not ours") {
    const RedisServer server;
    run([](const RedisServer& redis) -> Task<> {
        redis.ask("SET stoker:{0}:c mine");
        RedisClient client(redis.url(), co_await asio::this_coro::executor);
        CHECK(co_await client.put_one() == Put::unknown);
        CHECK(client.has_seen("script_failed"));
        CHECK(client.queue->health() == Health::degraded);
        redis.ask("DEL stoker:{0}:c");
        CHECK(co_await client.put_one() == Put::queued);
    }(server));
}

TEST_CASE("Redis fault: a server that is away is no reason not to start") {
    CHECK(refusal_of("redis://127.0.0.1:1").empty());
}
