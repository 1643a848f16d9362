#include "worker/call_meter.hpp"

#include <doctest/doctest.h>

#include "tests/support/run.hpp"
#include "tests/worker/inert_driver.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

namespace {

/// An engine that only counts.
class CountingDriver final : public InertDriver {
public:
    std::optional<ContainerStats> stats_now(const std::string&) override {
        return direct ? std::optional(counters) : std::nullopt;
    }
    Task<Result<ContainerStats>> stats(std::string, Deadline) override {
        ++asked;
        if (away) co_return fail(Errc::engine_unavailable);
        co_return counters;
    }

    ContainerStats counters;
    bool direct = true;
    bool away = false;
    int asked = 0;
};

struct Fixture {
    std::optional<CallStats> end(std::chrono::milliseconds ran) {
        return run(meter.end(container, ran));
    }
    asio::io_context lane;
    MemoryTokens memory{100};
    CountingDriver driver;
    CallMeter meter{driver};
    ContainerRef container = std::make_shared<Container>(
        "c", std::make_shared<FnSpec>(), lane.get_executor(), *memory.try_take(1)
    );
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "CallMeter: a call has what the counters grew by, and the peak") {
    driver.counters = {1s, 1000, 10, 20, 30, 40};
    meter.begin(*container);
    driver.counters = {1250ms, 5000, 11, 22, 33, 44};
    CHECK(*end(300ms) == CallStats{250, 5000, 1, 2, 3, 4});
    CHECK(driver.asked == 0);
}

TEST_CASE_FIXTURE(Fixture, "CallMeter: a short call is not measured") {
    meter.begin(*container);
    CHECK_FALSE(end(99ms));
    CHECK(end(100ms));
}

TEST_CASE_FIXTURE(Fixture, "CallMeter: where the engine has to be asked, only for long calls") {
    driver.direct = false;
    driver.counters.cpu = 10ms;
    meter.begin(*container);
    CHECK_FALSE(end(999ms));
    CHECK(driver.asked == 0);
    CHECK(end(1s)->cpu_ms == 10);  // since the container's start
    driver.counters.cpu = 40ms;
    CHECK(end(1s)->cpu_ms == 30);  // since the last time
    CHECK(driver.asked == 2);
}

TEST_CASE_FIXTURE(Fixture, "CallMeter: without an answer there are no figures") {
    driver.direct = false;
    driver.away = true;
    CHECK_FALSE(end(2s));
}

TEST_CASE("CallMeter: counters that went back count as nothing") {
    CHECK(used_between({5s, 1, 9, 9, 9, 9}, {4s, 2, 1, 1, 1, 1}) == CallStats{0, 2, 0, 0, 0, 0});
}
