#pragma once

// Wall-clock time as it is stored and shown. Leases and deadlines use monotonic time instead
// (common/async/task.hpp). A Clock is injected wherever a test needs to move time by hand.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stoker {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

WallTime wall_now();

/// `2006-01-02T15:04:05.000Z`, always UTC and three fractional digits.
std::string format_time(WallTime time);
/// RFC 3339 with any offset and 0 to 9 fractional digits.
std::optional<WallTime> parse_time(std::string_view text);

inline std::int64_t to_ms(WallTime time) { return time.time_since_epoch().count(); }
inline WallTime from_ms(std::int64_t ms) { return WallTime{std::chrono::milliseconds{ms}}; }

class Clock {
public:
    virtual ~Clock() = default;
    virtual WallTime now() const = 0;
    /// Not set by anybody, so it never jumps; starts anywhere.
    virtual std::chrono::steady_clock::time_point monotonic() const {
        return std::chrono::steady_clock::now();
    }
};

/// The machine's clock. Thread-safe, no state.
class SystemClock final : public Clock {
public:
    WallTime now() const override { return wall_now(); }
};

}  // namespace stoker
