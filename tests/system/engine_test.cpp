// The container engine dies, hangs and comes back under load: what was accepted ends, what runs is
// told the truth, and the worker finds its way back by itself. On an engine of the test's own.

#include <csignal>

#include "tests/support/private_engine.hpp"
#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

bool is_ready(const StokerProcess& stoker) {
    return stoker.request("GET", "/readyz").status == 200;
}

std::vector<std::string> call_many(const StokerProcess& stoker, const std::string& fn, int count) {
    std::vector<std::string> ids;
    ids.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) ids.push_back(stoker.call_async(fn, "sleep 20"));
    return ids;
}

/// The engine is killed while calls run and wait, and comes back. How many calls that cost.
std::size_t live_through_outage(
    const StokerProcess& stoker, PrivateEngine& engine, const std::vector<std::string>& fns
) {
    const auto long_call = stoker.call_async(fns[0], "sleep 60000");
    wait_until_executing(stoker, long_call);
    const auto in_flight = call_many(stoker, fns[1], 200);
    engine.kill_hard();
    eventually("it says that it is not ready", [&] { return !is_ready(stoker); });
    CHECK(stoker.request("GET", "/readyz").body.contains("engine"));
    CHECK(stoker.request("GET", "/healthz").status == 200);
    const auto in_the_dark = call_many(stoker, fns[0], 50);

    engine.start();
    eventually("it is ready again", [&] { return is_ready(stoker); });
    // An engine that starts ends what ran without it.
    CHECK(stoker.ended(long_call).at("error_code") == "container_exit");
    std::size_t failed = 0;
    for (const auto& id : in_flight) {
        const auto call = stoker.ended(id);
        if (call.at("status") == "success") continue;
        CHECK(call.at("error_code") == "container_exit");
        ++failed;
    }
    for (const auto& id : in_the_dark) CHECK(stoker.ended(id).at("status") == "success");
    return failed;
}

#define REQUIRE_PRIVATE_ENGINE                      \
    if (!PrivateEngine::is_possible()) {            \
        MESSAGE("skipped: needs root and dockerd"); \
        return;                                     \
    }

}  // namespace

TEST_CASE("engine: killed under load and started again, every accepted call ends") {
    REQUIRE_PRIVATE_ENGINE
    PrivateEngine engine;
    engine.load(function_image());
    const Running stoker({"--docker-host", engine.host()});
    std::vector<std::string> fns;
    fns.reserve(2);
    for (int i = 0; i < 2; ++i) {
        fns.push_back(stoker.make_fn(function_image(), {{"memory", 32}, {"idle_timeout", 1}}));
    }
    // Those that were in a container at that moment.
    CHECK(live_through_outage(stoker, engine, fns) < 30);
    const auto before = at_rest(stoker);
    CHECK(live_through_outage(stoker, engine, fns) < 30);
    const auto after = at_rest(stoker);
    CHECK(after.threads <= before.threads);
    CHECK(after.resident_mb <= before.resident_mb + 16);
    eventually("descriptors are as many as after the first time", [&] {
        return resources_of(stoker).descriptors <= before.descriptors;
    });
}

TEST_CASE("engine: absent at start, calls wait for it") {
    REQUIRE_PRIVATE_ENGINE
    PrivateEngine engine;
    engine.load(function_image());
    engine.kill_hard();
    StokerProcess stoker({"--docker-host", engine.host()});
    stoker.start();
    const auto fn = stoker.make_fn(function_image());
    const auto ids = call_many(stoker, fn, 20);
    CHECK_FALSE(is_ready(stoker));
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").status == 503);
    engine.start();
    for (const auto& id : ids) CHECK(stoker.ended(id).at("status") == "success");
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").body == "x");
}

TEST_CASE("engine: while it hangs, hot functions serve and others wait") {
    REQUIRE_PRIVATE_ENGINE
    PrivateEngine engine;
    engine.load(function_image());
    const Running stoker({"--docker-host", engine.host()});
    const auto hot = stoker.make_fn(function_image(), {{"memory", 32}});
    const auto cold = stoker.make_fn(function_image(), {{"memory", 32}});
    CHECK(stoker.request("POST", "/invoke/" + hot, "echo warm").body == "warm");

    engine.freeze();
    const auto waiting = stoker.call_async(cold, "echo late");
    CHECK(stoker.request("POST", "/invoke/" + hot, "echo still").body == "still");
    eventually("it says that it is not ready", [&] { return !is_ready(stoker); });
    CHECK(stoker.request("POST", "/invoke/" + hot, "echo still").body == "still");
    engine.thaw();
    eventually("it is ready again", [&] { return is_ready(stoker); });
    CHECK(stoker.ended(waiting).at("status") == "success");
    CHECK(stoker.ended(stoker.call_async(cold, "echo x")).at("status") == "success");
}

TEST_CASE("engine: gone when Stoker ends, which ends all the same") {
    REQUIRE_PRIVATE_ENGINE
    PrivateEngine engine;
    engine.load(function_image());
    Running stoker({"--docker-host", engine.host()});
    const auto fn = stoker.make_fn(function_image(), {{"memory", 32}});
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo warm").body == "warm");
    engine.kill_hard();
    // The container cannot be removed, and what waits for its exit waits on.
    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 0);
    CHECK(stoker.log_text().contains("worker.containers_remain"));
    engine.start();
    stoker.start_ready();
    CHECK(stoker.containers().empty());
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo again").body == "again");
}
