#pragma once

// The answer to a call that was accepted.

#include <string>

#include "common/http/server_exchange.hpp"

namespace stoker {

/// 202 with where to look. `own_id` is the id the call would have had: when another call stands for
/// it, the answer says so.
Response accepted_response(const std::string& call_id, const std::string& own_id);

}  // namespace stoker
