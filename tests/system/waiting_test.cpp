// Thousands of calls at once, calls that wait over restarts, and a process that stands still for
// longer than its lease: nothing is lost and nothing ends twice. Built twice: small for every run,
// in full size as a slow test.

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/system/burst.hpp"
#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

constexpr std::size_t waiting_calls = STOKER_TEST_WAITING;
constexpr std::chrono::seconds standstill{STOKER_TEST_STANDSTILL};

class Stopwatch {
public:
    long ms() const {
        return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - begun_)
            .count();
    }

private:
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

std::vector<std::string> make_fns(const StokerProcess& stoker, std::size_t count) {
    std::vector<std::string> fns;
    for (std::size_t i = 0; i < count; ++i) {
        fns.push_back(stoker.make_fn(function_image(), {{"memory", 32}}));
    }
    return fns;
}

double ended(const StokerProcess& stoker, const std::string& status) {
    return metric(stoker, "stoker_calls_ended_total{status=\"" + status + "\"}");
}

/// Waits as long as something ends.
void wait_until_ended(const StokerProcess& stoker, std::size_t count) {
    double before = -1;
    for (;;) {
        const auto now = ended(stoker, "success");
        if (now >= static_cast<double>(count)) return;
        eventually("calls go on ending", [&] { return ended(stoker, "success") > before; });
        before = now;
    }
}

void check_all_ended_once(
    const StokerProcess& stoker, const std::vector<std::string>& fns, std::size_t count
) {
    wait_until_ended(stoker, count);
    std::size_t found = 0;
    for (const auto& fn : fns) {
        const auto statuses = count_statuses(stoker, fn);
        CHECK(statuses.size() == 1);
        found += statuses.at("success");
    }
    CHECK(found == count);
    CHECK(ended(stoker, "success") == static_cast<double>(count));
    CHECK(metric(stoker, "stoker_calls_live") == 0);
    CHECK(metric(stoker, "stoker_queue_ready") == 0);
}

}  // namespace

TEST_CASE("waiting: 10,000 calls at once of one hot function all end") {
    const Running stoker;
    const auto fns = make_fns(stoker, 1);
    stoker.ended(stoker.call_async(fns[0], "echo warm"));
    const Stopwatch accept;
    CHECK(fire(stoker, fns, {.calls = 9'999}).size() == 9'999);
    const auto accepted = accept.ms();
    check_all_ended_once(stoker, fns, 10'000);
    MESSAGE("accepted in ", accepted, " ms, all ended after ", accept.ms(), " ms");
}

TEST_CASE("waiting: 10,000 calls at once of twenty cold functions all end") {
    const Running stoker;
    const auto fns = make_fns(stoker, 20);
    const Stopwatch accept;
    CHECK(fire(stoker, fns, {.calls = 10'000, .connections = 200}).size() == 10'000);
    const auto accepted = accept.ms();
    check_all_ended_once(stoker, fns, 10'000);
    MESSAGE("accepted in ", accepted, " ms, all ended after ", accept.ms(), " ms");
}

TEST_CASE("waiting: what waits for an engine is there after a restart and after kill -9") {
    StokerProcess stoker({"--docker-host", "unix:///nowhere/docker.sock"});
    stoker.start();
    const auto idle = resources_of(stoker).resident_mb;
    const auto fns = make_fns(stoker, 10);
    const Stopwatch accept;
    CHECK(fire(stoker, fns, {.calls = waiting_calls}).size() == waiting_calls);
    MESSAGE("accepted ", waiting_calls, " in ", accept.ms(), " ms");
    const auto is_rebuilt = [&] {
        return metric(stoker, "stoker_queue_ready") == static_cast<double>(waiting_calls);
    };
    CHECK(is_rebuilt());
    MESSAGE("resident MB ", idle, " -> ", resources_of(stoker).resident_mb);

    stoker.send(SIGTERM);
    CHECK(stoker.wait_exit() == 0);
    for (const std::string how : {"graceful", "killed"}) {
        const Stopwatch restart;
        stoker.start();
        const auto listening = restart.ms();
        eventually("the queue is rebuilt", is_rebuilt);
        MESSAGE(
            how,
            ": listening after ",
            listening,
            " ms, rebuilt after ",
            restart.ms(),
            " ms, resident MB ",
            resources_of(stoker).resident_mb
        );
        stoker.kill_hard();
    }
    stoker.set_flags({});
    const Stopwatch run;
    stoker.start_ready();
    check_all_ended_once(stoker, fns, waiting_calls);
    MESSAGE("all ended ", run.ms(), " ms after the start");
}

TEST_CASE("waiting: a process that stands still for longer than its lease loses nothing") {
    const Running stoker(
        {"--lease",
         std::to_string(standstill.count() / 3) + "s",
         "--heartbeat",
         std::to_string(standstill.count() * 1000 / 10) + "ms",
         "--sweep-grace",
         "100ms",
         "--sweep-interval",
         "100ms"}
    );
    const auto fns = make_fns(stoker, 4);
    constexpr std::size_t calls = 600;
    CHECK(
        fire(stoker, fns, {.calls = calls, .connections = 20, .body = "sleep 100"}).size() == calls
    );
    eventually("some run", [&] { return ended(stoker, "success") > 0; });
    ::kill(stoker.pid(), SIGSTOP);
    std::this_thread::sleep_for(standstill);
    ::kill(stoker.pid(), SIGCONT);
    check_all_ended_once(stoker, fns, calls);
    MESSAGE(
        "requeued ",
        metric(stoker, "stoker_calls_requeued_total"),
        ", fenced ",
        metric(stoker, "stoker_calls_fenced_total")
    );
    eventually("it is ready", [&] { return stoker.request("GET", "/readyz").status == 200; });
}
