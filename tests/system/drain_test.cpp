// SIGTERM drains and exits 0; a second one exits at once. Neither loses a call.

#include <csignal>
#include <thread>

#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

TEST_CASE("drain: running calls end, waiting ones stay queued, no container is left, exit 0") {
    Running stoker({"--memory", "200MB"});
    const auto fn = stoker.make_fn(function_image());
    const auto running = stoker.call_async(fn, "sleep 700");
    wait_until_executing(stoker, running);
    std::vector<std::string> waiting;
    for (int i = 0; i < 20; ++i) waiting.push_back(stoker.call_async(fn, "echo x"));
    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 0);
    CHECK(stoker.containers().empty());

    stoker.start_ready();
    const auto call = stoker.json("GET", "/v2/calls/" + running);
    CHECK(call.at("status") == "success");
    CHECK(call.at("attempt") == 1);
    for (const auto& id : waiting) CHECK(stoker.ended(id).at("status") == "success");
}

TEST_CASE("drain: what does not end in the grace time is handed back and runs again") {
    Running stoker({"--drain", "300ms"});
    const auto fn = stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 1}}}});
    const auto id = stoker.call_async(fn, "sleep 3000");
    wait_until_executing(stoker, id);
    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 0);
    CHECK(stoker.containers().empty());
    stoker.start_ready();
    const auto call = stoker.ended(id);
    CHECK(call.at("status") == "success");  // a drain is not a failure: it may run once more
    CHECK(call.at("attempt") == 2);
}

TEST_CASE("drain: a synchronous call has the grace time, too, and no container is left") {
    Running stoker({"--drain", "300ms"});
    const auto fn = stoker.make_fn(function_image());
    int status = 0;
    std::jthread caller([&] {
        status = stoker.request("POST", "/invoke/" + fn, "sleep 15000").status;
    });
    eventually("it runs", [&] { return metric(stoker, "stoker_containers{state=\"busy\"}") == 1; });
    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 0);
    CHECK(stoker.containers().empty());
    caller.join();
    CHECK(status >= 500);
}

TEST_CASE("drain: a call that runs longer than the worker's lease is neither lost nor run twice") {
    Running stoker(
        {"--lease",
         "1s",
         "--heartbeat",
         "300ms",
         "--sweep-grace",
         "200ms",
         "--sweep-interval",
         "100ms"}
    );
    const auto fn = stoker.make_fn(function_image());
    const auto id = stoker.call_async(fn, "sleep 3500");
    wait_until_executing(stoker, id);
    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 0);
    stoker.start();
    const auto call = stoker.json("GET", "/v2/calls/" + id);
    CHECK(call.at("status") == "success");
    CHECK(call.at("attempt") == 1);
}

TEST_CASE("drain: a second signal exits at once and loses nothing") {
    Running stoker;
    const auto fn = stoker.make_fn(function_image());
    std::vector<std::string> ids;
    ids.push_back(stoker.call_async(fn, "sleep 2000"));
    wait_until_executing(stoker, ids[0]);
    for (int i = 0; i < 50; ++i) ids.push_back(stoker.call_async(fn, "echo x"));
    stoker.send(SIGTERM);
    eventually("the drain begins", [&] { return stoker.log_text().contains("stoker.draining"); });
    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 130);
    stoker.start_ready();
    for (const auto& id : ids) CHECK(stoker.ended(id).at("status") == "success");
}
