#pragma once

// What a caller asks of an asynchronous call beside the call itself: the `Stoker-…` fields of an
// invocation, and its Idempotency-Key.

#include <optional>
#include <string>

#include "common/clock.hpp"
#include "common/http/headers.hpp"
#include "common/units.hpp"
#include "model/error.hpp"

namespace stoker {

struct CallOptions {
    std::optional<WallTime> run_at;  ///< absent: now
    std::optional<std::string> idempotency_key{};
    std::optional<int> priority{};    ///< absent: the fn's
    std::optional<Millis> max_age{};  ///< absent: the fn's
    std::string redriven_from{};      ///< the dead call that this one repeats
};

struct CallOptionLimits {
    Millis delay_max = std::chrono::days(30);
};

/// `Stoker-Delay` and `Stoker-Max-Age` are durations, `Stoker-Run-At` is a time, where one that has
/// passed is now; `Stoker-Priority` is 0, 1 or 2.
Result<CallOptions> call_options(
    const Headers& headers, const CallOptionLimits& limits, WallTime now
);
/// A field that only means something for a call that is not run at once; empty when there is none.
std::string_view async_only_field(const Headers& headers);

}  // namespace stoker
