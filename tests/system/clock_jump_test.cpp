// Somebody sets the wall clock while calls wait and run. Nothing is lost, run twice or held up:
// leases and timeouts are measured with monotonic time.

#include <future>
#include <set>

#include "tests/support/faulty_stoker.hpp"
#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

const std::vector<std::string> short_leases{
    "--lease",
    "1500ms",
    "--heartbeat",
    "300ms",
    "--sweep-grace",
    "500ms",
    "--sweep-interval",
    "100ms"
};

std::chrono::seconds to_year(int year) {
    const auto then = std::chrono::sys_days(std::chrono::year(year) / 1 / 1);
    return std::chrono::floor<std::chrono::seconds>(then - std::chrono::system_clock::now());
}

}  // namespace

TEST_CASE("clock jump: calls that run and wait end once, new ones run, ids stay unique") {
    FaultyStoker stoker(short_leases);
    stoker.start_ready();
    const auto fn = stoker.make_fn(function_image());
    const std::chrono::hours hour(1);
    std::set<std::string> ids;
    for (const std::chrono::seconds shift :
         {std::chrono::seconds(hour),
          std::chrono::seconds(-hour),
          to_year(1970),
          to_year(2040),
          std::chrono::seconds(0)}) {
        CAPTURE(shift.count());
        // It runs through several leases and sweeps on either side of the jump.
        const auto running = stoker.call_async(fn, "sleep 2500");
        wait_until_executing(stoker, running);
        auto waiting = std::async(std::launch::async, [&] { return stoker.ended(running); });
        stoker.shift_clock(shift);
        for (int i = 0; i < 10; ++i) {
            const auto id = stoker.call_async(fn, "say once");
            CHECK(ids.insert(id).second);
            CHECK(stoker.ended(id).at("attempt") == 1);
        }
        const auto call = waiting.get();
        CHECK(call.at("status") == "success");
        CHECK(call.at("attempt") == 1);
        CHECK(ids.insert(running).second);
        CHECK(stoker.request("GET", "/readyz").status == 200);
    }
    for (const auto& id : ids) {
        const auto call = stoker.json("GET", "/v2/calls/" + id);
        CHECK(call.at("status") == "success");
        CHECK(call.at("attempt") == 1);
    }
}

TEST_CASE("clock jump: a start with the clock set back runs what waits, under new ids") {
    FaultyStoker stoker({"--memory", "200MB"});
    stoker.start_ready();
    const auto fn = stoker.make_fn(function_image(), {{"retry", {{"max_attempts", 100}}}});
    std::set<std::string> ids;
    for (int i = 0; i < 50; ++i) ids.insert(stoker.call_async(fn, "sleep 50"));
    stoker.kill_hard();
    stoker.shift_clock(-std::chrono::hours(24 * 365));
    stoker.start_ready();
    for (int i = 0; i < 50; ++i) ids.insert(stoker.call_async(fn, "say once"));
    CHECK(ids.size() == 100);
    for (const auto& id : ids) CHECK(stoker.ended(id).at("status") == "success");
}
