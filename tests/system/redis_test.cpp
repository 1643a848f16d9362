// The queue on a real Redis server that goes away and forgets: every accepted call still ends.

#include "tests/support/redis_server.hpp"
#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

std::vector<std::string> accept(const StokerProcess& stoker, const std::string& fn, int count) {
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i) ids.push_back(stoker.call_async(fn, "say redis"));
    return ids;
}

void all_succeed(const StokerProcess& stoker, const std::vector<std::string>& ids) {
    for (const auto& id : ids) CHECK(stoker.ended(id).at("status") == "success");
}

}  // namespace

TEST_CASE("redis: calls run, also those accepted while the server was away") {
    RedisServer redis({}, "stoker:secret");
    Running stoker({"--queue", redis.url()});
    const auto fn = stoker.make_fn(function_image());
    all_succeed(stoker, accept(stoker, fn, 20));
    redis.kill();
    eventually("it is noticed", [&] { return stoker.request("GET", "/readyz").status == 503; });
    const auto ids = accept(stoker, fn, 20);
    redis.start();
    all_succeed(stoker, ids);
    CHECK(stoker.request("GET", "/readyz").status == 200);
    CHECK_FALSE(stoker.log_text().contains("secret"));
}

TEST_CASE("redis: killed with calls that run and wait, Stoker takes them up again") {
    const RedisServer redis;
    Running stoker({"--queue", redis.url(), "--pull-max", "1"});
    const auto fn = stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 5}}}});
    const auto running = stoker.call_async(fn, "sleep 1000");
    wait_until_executing(stoker, running);
    const auto waiting = accept(stoker, fn, 30);
    stoker.kill_hard();
    redis.ask("FLUSHALL");
    stoker.start();
    CHECK(stoker.ended(running).at("status") == "success");
    all_succeed(stoker, waiting);
}

TEST_CASE("redis: wiped with calls waiting, they are found in the datastore and put again") {
    const RedisServer redis;
    Running stoker({"--queue", redis.url(), "--memory", "256MiB", "--pull-max", "1"});
    const auto fn = stoker.make_fn(function_image(), {{"memory", 128}});
    const auto first = stoker.call_async(fn, "sleep 2000");
    wait_until_executing(stoker, first);
    const auto ids = accept(stoker, fn, 10);
    redis.ask("FLUSHALL");
    all_succeed(stoker, ids);
    CHECK(metric(stoker, "stoker_calls_redispatched_total") > 0);
}

TEST_CASE("redis: a wrong password ends the start") {
    const RedisServer redis({}, ":secret");
    StokerProcess stoker({"--queue", "redis://:guess@" + redis.address()});
    CHECK_THROWS_WITH_AS(stoker.start(), doctest::Contains("WRONGPASS"), std::exception);
}
