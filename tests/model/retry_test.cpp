#include "model/retry.hpp"

#include <doctest/doctest.h>

using namespace stoker;

TEST_CASE("RetryOutcomes: a set of words") {
    RetryOutcomes outcomes;
    CHECK(outcomes.empty());
    for (const auto word : retry_outcome_words) {
        const auto outcome = parse_retry_outcome(word);
        REQUIRE(outcome);
        CHECK_FALSE(outcomes.has(*outcome));
        CHECK(outcomes.add(*outcome).has(*outcome));
        CHECK(RetryOutcomes(outcomes.bits()) == outcomes);
    }
    CHECK(outcomes.bits() == 0b1111);
    for (const auto* word : {"", "Error", "success", "cancelled", "500"}) {
        CHECK_FALSE(parse_retry_outcome(word));
    }
}

TEST_CASE("pause_before_retry: it reaches from nothing to a bound that doubles up to its cap") {
    const RetryPolicy policy{.max_attempts = 100, .on = {}, .base_ms = 100, .cap_ms = 1'000};
    const auto longest_after = [&](int attempt) {
        Millis longest{0};
        Millis shortest = Millis::max();
        for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
            const auto pause = pause_before_retry(policy, attempt, seed);
            CHECK(pause == pause_before_retry(policy, attempt, seed));
            longest = std::max(longest, pause);
            shortest = std::min(shortest, pause);
        }
        CHECK(shortest.count() < 20);
        return longest.count();
    };
    const std::array bounds{100, 200, 400, 800, 1'000, 1'000};
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        const auto longest = longest_after(static_cast<int>(i) + 1);
        CHECK(longest <= bounds.at(i));
        CHECK(longest > bounds.at(i) * 9 / 10);
    }
    CHECK(longest_after(retry_attempts_max) <= 1'000);
}

TEST_CASE("pause_before_retry: the largest policy does not overflow, the smallest does not wait") {
    RetryPolicy policy{
        .max_attempts = 100, .on = {}, .base_ms = retry_pause_ms_max, .cap_ms = retry_pause_ms_max
    };
    CHECK(pause_before_retry(policy, retry_attempts_max, 1) <= Millis(retry_pause_ms_max));
    policy.base_ms = 0;
    CHECK(pause_before_retry(policy, 50, 1) == Millis{0});
    policy = {.max_attempts = 3, .on = {}, .base_ms = 500, .cap_ms = 0};
    CHECK(pause_before_retry(policy, 2, 1) == Millis{0});
}
