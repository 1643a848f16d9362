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
};

struct CallOptionLimits {
    Millis delay_max = std::chrono::days(30);
};

/// `Stoker-Delay` is a duration, `Stoker-Run-At` a time; one that has passed is now.
Result<CallOptions> call_options(
    const Headers& headers, const CallOptionLimits& limits, WallTime now
);
/// A field that only means something for a call that is not run at once; empty when there is none.
std::string_view async_only_field(const Headers& headers);

}  // namespace stoker
