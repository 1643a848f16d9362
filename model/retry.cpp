#include "model/retry.hpp"

#include <algorithm>
#include <random>

namespace stoker {

std::optional<RetryOutcome> parse_retry_outcome(std::string_view word) {
    const auto* const found = std::ranges::find(retry_outcome_words, word);
    if (found == retry_outcome_words.end()) return std::nullopt;
    return static_cast<RetryOutcome>(found - retry_outcome_words.begin());
}

Millis pause_before_retry(const RetryPolicy& policy, int attempt, std::uint64_t seed) {
    auto longest = std::min(policy.base_ms, policy.cap_ms);
    for (int i = 1; i < attempt && longest < policy.cap_ms; ++i) {
        longest = std::min(2 * longest, policy.cap_ms);
    }
    std::mt19937_64 random(seed);
    return Millis(std::uniform_int_distribution<std::int64_t>(0, longest)(random));
}

}  // namespace stoker
