// kill -9 at any moment, then start again: nothing accepted is lost, nothing is left behind.

#include <algorithm>
#include <csignal>
#include <random>

#include "tests/system/fixture.hpp"
#include "tests/system/load.hpp"

using namespace stoker;
using namespace stoker::test;

TEST_CASE("crash: killed again and again under load, every accepted call ends well") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 100}}}});
    std::vector<std::string> accepted;
    for (int round = 0; round < 8; ++round) {
        Load load(stoker, fn, 4);
        const std::size_t enough = 1 + random() % 400;
        eventually("calls are accepted", [&] { return load.accepted_count() >= enough; });
        stoker.kill_hard();
        auto ids = load.stop();
        accepted.insert(accepted.end(), ids.begin(), ids.end());
        stoker.start();
        for (const auto& id : ids) REQUIRE(stoker.request("GET", "/v2/calls/" + id).status == 200);
    }
    int again = 0;
    for (const auto& id : accepted) {
        const auto call = stoker.ended(id);
        CHECK(call.at("status") == "success");
        again += call.at("attempt") > 1;
        // One attempt's log is the official one.
        CHECK(has_both_lines(stoker.log_of(id), "once"));
    }
    MESSAGE("accepted ", accepted.size(), ", executed more than once ", again);
}

TEST_CASE("crash: a call that ran when Stoker was killed runs again, as the next attempt") {
    Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto id = stoker.call_async(fn, "sleep 1000");
    wait_until_executing(stoker, id);
    const auto before = stoker.containers();
    stoker.kill_hard();
    stoker.start_ready();
    for (const auto& name : stoker.containers()) {
        CHECK(std::ranges::find(before, name) == before.end());
    }
    const auto call = stoker.ended(id);
    CHECK(call.at("status") == "success");
    CHECK(call.at("attempt") == 2);
}

TEST_CASE("crash: a call whose attempts are used up ends as lost") {
    Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 1}}}});
    const auto id = stoker.call_async(fn, "sleep 5000");
    wait_until_executing(stoker, id);
    stoker.kill_hard();
    stoker.start();
    const auto call = stoker.ended(id);
    CHECK(call.at("status") == "error");
    CHECK(call.at("error_code") == "worker_lost");
    CHECK(call.at("attempt") == 1);
}

TEST_CASE("crash: two processes never share a data folder") {
    Running stoker;
    StokerProcess other({"--data", (stoker.data() / "data").string()});
    CHECK_THROWS_WITH_AS(other.start(), doctest::Contains("in use by another"), std::exception);
}
