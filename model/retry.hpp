#pragma once

// How often a call may be executed, and what of an attempt's outcome is worth another one. Loss of
// a worker always is, within max_attempts; outcomes of the function only when the policy names
// them.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/async/task.hpp"

namespace stoker {

enum class RetryOutcome : std::uint8_t {
    error,         ///< ended as `error`, whoever failed
    timeout,       ///< its time was over
    killed,        ///< its container was ended, by the kernel or by an operator
    server_error,  ///< the word is `5xx`: it answered, with such a status
};
constexpr std::array<std::string_view, 4> retry_outcome_words{"error", "timeout", "killed", "5xx"};
std::optional<RetryOutcome> parse_retry_outcome(std::string_view word);

/// A set, as the bits it is stored by.
class RetryOutcomes {
public:
    constexpr RetryOutcomes() = default;
    constexpr explicit RetryOutcomes(std::uint8_t bits) : bits_(bits) {}

    constexpr RetryOutcomes& add(RetryOutcome outcome) {
        bits_ = static_cast<std::uint8_t>(bits_ | bit(outcome));
        return *this;
    }
    constexpr bool has(RetryOutcome outcome) const { return (bits_ & bit(outcome)) != 0; }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr std::uint8_t bits() const { return bits_; }

    bool operator==(const RetryOutcomes&) const = default;

private:
    static constexpr unsigned bit(RetryOutcome outcome) {
        return 1U << static_cast<unsigned>(outcome);
    }
    std::uint8_t bits_ = 0;
};

struct RetryPolicy {
    int max_attempts = 3;  ///< 1..100, all executions counted
    RetryOutcomes on{};
    std::int64_t base_ms = 1'000;  ///< the longest pause after the first attempt; doubles with each
    std::int64_t cap_ms = 300'000;  ///< and never exceeds this

    bool operator==(const RetryPolicy&) const = default;
};

constexpr int retry_attempts_max = 100;
constexpr std::int64_t retry_pause_ms_max = 24 * 3'600'000;

/// The pause after an attempt: anything up to its longest one with equal chance, so that calls that
/// failed together do not come back together. The chance is in the seed.
Millis pause_before_retry(const RetryPolicy& policy, int attempt, std::uint64_t seed);

}  // namespace stoker
