// More functions at once than there is memory for, and a burst on a cold one. Built twice: small
// for every run, in full size (1,000 functions in 4 GB) as a slow test.

#include <atomic>
#include <thread>

#include "tests/system/burst.hpp"
#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

constexpr std::size_t functions = STOKER_TEST_FUNCTIONS_AT_ONCE;
const std::string memory_flag = STOKER_TEST_MEMORY;
constexpr std::int64_t resident_mb_max = 60;
constexpr std::size_t calls_of_one = 500;
constexpr double containers_of_one_max = 20;

double containers_started(const StokerProcess& stoker) {
    return metric(stoker, "stoker_container_start_seconds_count{stage=\"socket\"}");
}

}  // namespace

TEST_CASE("many functions: called at once, more than there is memory for, all end well") {
    const Running stoker({"--memory=" + memory_flag});
    std::vector<std::string> fns;
    for (std::size_t i = 0; i < functions; ++i) {
        fns.push_back(stoker.make_fn(function_image(), {{"memory", 128}}));
    }
    const auto calls = fire(stoker, fns, {.calls = functions});
    CHECK(calls.size() == functions);
    for (const auto& call : calls) REQUIRE(stoker.ended(call).at("status") == "success");
    CHECK(metric(stoker, "stoker_slot_waiters") == 0);
    const auto resources = resources_of(stoker);
    MESSAGE("resident after all: ", resources.resident_mb, " MB");
    if (!is_sanitized) CHECK(resources.resident_mb < resident_mb_max);
    at_rest(stoker);
}

TEST_CASE("many functions: a burst of synchronous calls on a cold one starts few containers") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    std::atomic<std::size_t> good = 0;
    {
        std::vector<std::jthread> callers;
        for (std::size_t i = 0; i < calls_of_one; ++i) {
            callers.emplace_back([&] {
                good += stoker.request("POST", "/invoke/" + fn, "echo x").status == 200;
            });
        }
    }
    CHECK(good == calls_of_one);
    CHECK(containers_started(stoker) <= containers_of_one_max);
    MESSAGE("containers started: ", containers_started(stoker));
}

TEST_CASE("many functions: max_concurrency holds for both ways of calling") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"max_concurrency", 1}});
    std::vector<std::string> calls;
    for (int i = 0; i < 30; ++i) calls.push_back(stoker.call_async(fn, "echo x"));
    std::atomic<std::size_t> good = 0;
    {
        std::vector<std::jthread> callers;
        for (int i = 0; i < 10; ++i) {
            callers.emplace_back([&] {
                good += stoker.request("POST", "/invoke/" + fn, "echo x").status == 200;
            });
        }
    }
    CHECK(good == 10);
    for (const auto& call : calls) CHECK(stoker.ended(call).at("status") == "success");
    CHECK(containers_started(stoker) == 1);
}

TEST_CASE("many functions: min_idle is hot before the first call and beyond the idle timeout") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"min_idle", 2}, {"idle_timeout", 1}});
    eventually("two are there", [&] { return containers_started(stoker) == 2; });
    const auto other = stoker.make_fn(function_image(), {{"idle_timeout", 2}});
    CHECK(stoker.request("POST", "/invoke/" + other, "echo x").status == 200);
    eventually("the other one is gone", [&] { return stoker.containers().size() == 2; });
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").status == 200);
    CHECK(containers_started(stoker) == 3);

    SUBCASE("deleting the function lets them go") {
        CHECK(stoker.request("DELETE", "/v2/fns/" + fn, "").status == 204);
    }
    SUBCASE("so does setting it back") {
        CHECK(stoker.request("PUT", "/v2/fns/" + fn, R"({"min_idle": 0})").status == 200);
    }
    eventually("they idle out", [&] { return stoker.containers().empty(); });
}
