// The campaign: many seeds, every promise checked in each, every rare state reached at least once.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>

#include "common/log.hpp"
#include "tests/simulation/sim_world.hpp"

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STOKER_TEST_SANITIZED true
#else
#define STOKER_TEST_SANITIZED false
#endif

namespace stoker::test {

namespace {

/// Sanitized code takes ten times as long, and looks for something else.
constexpr std::uint64_t seeds_by_default = STOKER_TEST_SANITIZED ? 60 : 1'000;

std::optional<std::uint64_t> number_from(const char* variable) {
    const char* text = std::getenv(variable);
    if (text == nullptr || *text == '\0') return std::nullopt;
    return std::strtoull(text, nullptr, 10);
}

/// Of the one seed that SIM_SEED names, the whole story is told.
bool is_traced() { return number_from("SIM_SEED").has_value(); }

struct Outcome {
    std::vector<std::string> violations;
    std::map<std::string_view, std::uint64_t> rare;
    std::uint64_t digest = 0;
    std::uint64_t executions = 0;
    std::size_t calls = 0;
};

Outcome play(std::uint64_t seed, Mutation mutation = Mutation::none, bool traced = false) {
    log::configure(traced ? log::Level::info : log::Level::error, log::Format::text);
    SimWorld world({.seed = seed, .mutation = mutation, .is_traced = traced});
    world.run();
    const auto& history = world.history();
    return {
        history.violations(),
        history.rare(),
        history.digest(),
        history.executions(),
        history.calls()
    };
}

/// A share of a campaign, so that the shares can run side by side.
void campaign(std::uint64_t share, std::uint64_t shares) {
    const auto only = number_from("SIM_SEED");
    const auto seeds = number_from("SIM_SEEDS").value_or(seeds_by_default) / shares;
    const auto first = only.value_or(share * seeds);
    const auto last = only ? *only + 1 : first + seeds;

    const auto begun = real_seconds();
    Outcome all;
    for (auto seed = first; seed < last; ++seed) {
        const auto one = play(seed, Mutation::none, is_traced());
        for (const auto& violation : one.violations) {
            FAIL_CHECK(fmt::format("SIM_SEED={}: {}", seed, violation));
        }
        for (const auto& [what, times] : one.rare) all.rare[what] += times;
        all.executions += one.executions;
        all.calls += one.calls;
    }
    fmt::print(
        "{} seeds from {}: {} calls, {} executions, {:.1f} s\n",
        last - first,
        first,
        all.calls,
        all.executions,
        real_seconds() - begun
    );
    for (const auto& [what, times] : all.rare) fmt::print("  {:>8} {}\n", times, what);
    if (only || STOKER_TEST_SANITIZED) return;  // so few seeds do not reach all of it
    for (const std::string_view what :
         {"fenced finish",
          "stale ack",
          "redelivery",
          "redispatch",
          "unknown outcome",
          "requeued after a loss",
          "worker_lost end",
          "due",
          "retried",
          "replayed",
          "expired",
          "held",
          "registered anew",
          "cancel won",
          "cancel lost",
          "hand-back",
          "gate closed",
          "withheld",
          "outbox parked",
          "duplicate put",
          "repeated message",
          "crash with calls",
          "stall",
          "drain"}) {
        CHECK_MESSAGE(all.rare[what] > 0, fmt::format("never reached: {}", what));
    }
}

/// Whether the checker sees that a part of the protocol is missing: some of it matters in one
/// schedule of hundreds.
void expect_caught(Mutation mutation) {
    constexpr std::uint64_t seeds = 5'000;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        const auto one = play(seed, mutation);
        if (one.violations.empty()) continue;
        fmt::print("caught with seed {}: {}\n", seed, one.violations.front());
        return;
    }
    FAIL("never caught");
}

}  // namespace

TEST_CASE("Simulation: the promises hold, first quarter of the seeds") { campaign(0, 4); }
TEST_CASE("Simulation: the promises hold, second quarter of the seeds") { campaign(1, 4); }
TEST_CASE("Simulation: the promises hold, third quarter of the seeds") { campaign(2, 4); }
TEST_CASE("Simulation: the promises hold, last quarter of the seeds") { campaign(3, 4); }

TEST_CASE("Simulation: the same seed is the same schedule") {
    for (const std::uint64_t seed : {1U, 2U, 3U, 7U}) {
        const auto once = play(seed);
        const auto again = play(seed);
        CHECK(once.digest == again.digest);
        CHECK(once.executions == again.executions);
    }
    CHECK(play(1).digest != play(2).digest);
}

TEST_CASE("Simulation: a store that does not check owner and attempt is caught") {
    expect_caught(Mutation::no_fence);
}
TEST_CASE("Simulation: a store that does not check the status is caught") {
    expect_caught(Mutation::no_status_check);
}
TEST_CASE("Simulation: an api that does not sweep is caught") {
    expect_caught(Mutation::no_sweeper);
}
TEST_CASE("Simulation: a sweeper that does not put lost calls again is caught") {
    expect_caught(Mutation::no_redispatch);
}
TEST_CASE("Simulation: an acceptor that publishes before it stores is caught") {
    expect_caught(Mutation::publish_first);
}
TEST_CASE("Simulation: a store that does not hold calls of paused functions is caught") {
    expect_caught(Mutation::no_hold);
}
TEST_CASE("Simulation: a worker that does not look at the age of calls is caught") {
    expect_caught(Mutation::hidden_expiry);
}
TEST_CASE("Simulation: a store that does not look at idempotency keys is caught") {
    expect_caught(Mutation::no_keys);
}
TEST_CASE("Simulation: a worker that retries without end is caught") {
    expect_caught(Mutation::endless_retry);
}
TEST_CASE("Simulation: a store that queues delayed calls before they are due is caught") {
    expect_caught(Mutation::early_due);
}
TEST_CASE("Simulation: a worker that begins calls without a look at its lease is caught") {
    expect_caught(Mutation::no_tenure);
}
TEST_CASE("Simulation: a worker that takes calls while its memory is busy is caught") {
    expect_caught(Mutation::open_gate);
}

}  // namespace stoker::test
