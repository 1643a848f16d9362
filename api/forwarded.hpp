#pragma once

// What of a caller's request goes on to the function, and which way it is to be run.

#include <cstdint>
#include <optional>

#include "common/http/server_exchange.hpp"
#include "model/error.hpp"
#include "model/fn.hpp"

namespace stoker {

enum class InvokeMode : std::uint8_t { sync, async, detached };

struct InvokeWish {
    InvokeMode mode = InvokeMode::sync;
    bool preference_applied = false;  ///< `Prefer: respond-async` decided it
};

/// The header Fn-Invoke-Type, then `Prefer: respond-async`, then the fn's type.
Result<InvokeWish> invoke_wish(const Headers& headers, InvokeType fn_type);

/// All fields but those that end at this hop or speak to Stoker. Content-Type travels by itself.
/// Credentials are not written to the store: `keep_authorization` is for calls that run at once.
Headers forwarded_headers(const Headers& headers, bool keep_authorization);
std::string content_type_of(const Headers& headers);

}  // namespace stoker
