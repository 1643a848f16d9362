#pragma once

// A function's stored answer, taken apart: the raw head and body become a Response again.

#include "common/http/server_exchange.hpp"
#include "model/call.hpp"

namespace stoker {

/// The function's status, its end-to-end fields and the body without chunk framing. Errc::internal
/// when what is stored is no HTTP response.
Result<Response> replay(const CallResponse& stored);

}  // namespace stoker
