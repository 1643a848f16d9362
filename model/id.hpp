#pragma once

// Ids of apps, fns, calls, containers and workers: Fn's 128 bits (48 of milliseconds, 48 of
// machine, 32 of counter) as 26 characters of Crockford base 32. Text order is time order within a
// machine.

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace stoker {

constexpr std::size_t id_chars = 26;

/// Makes ids; one per process, thread-safe. `machine` is the 48-bit part: IPv4 address and port.
class IdSource {
public:
    /// The counter starts anywhere: a process that starts again while the clock is set back makes
    /// other ids.
    IdSource(const Clock& clock, std::uint64_t machine) :
        IdSource(clock, machine, random_start()) {}
    /// Makes the same ids each time, for what has to be repeated.
    IdSource(const Clock& clock, std::uint64_t machine, std::uint32_t start) :
        clock_(clock),
        machine_(machine),
        counter_(start) {}
    std::string next();

private:
    static std::uint32_t random_start();

    const Clock& clock_;
    const std::uint64_t machine_;
    std::atomic<std::uint32_t> counter_;
    std::atomic<std::int64_t> latest_ms_{0};
};

/// IPv4 address of the first non-loopback, non-docker0 interface (else 127.0.0.1) and the port.
std::uint64_t machine_bits(std::uint16_t port);

std::string encode_id(const std::array<std::uint8_t, 16>& bits);
/// Either case; empty for a wrong length or character.
std::optional<std::array<std::uint8_t, 16>> decode_id(std::string_view text);
bool is_id(std::string_view text);
/// When the id was made.
std::optional<WallTime> time_of_id(std::string_view text);

}  // namespace stoker
