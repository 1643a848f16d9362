#pragma once

// Watching a call until it has ended. A server that is away for a moment is asked again.

#include <functional>
#include <string>

#include "cli/client/api_client.hpp"

namespace stoker {

/// Looks at the call again and again; on_look gets the record each time, and once when it has
/// ended. `pause_max` bounds how long the server may wait for the end in one look. The ended
/// record.
Task<Answer<nlohmann::ordered_json>> follow_call(
    const ApiClient& client,
    std::string call_id,
    std::chrono::seconds pause_max,
    std::function<Task<>(const nlohmann::ordered_json&)> on_look
);

bool has_ended(const nlohmann::ordered_json& call);
bool has_succeeded(const nlohmann::ordered_json& call);
/// `running, attempt 2 (pulling)` or `error: function failed (function_failed)`.
std::string describe_call(const nlohmann::ordered_json& call);
/// The text field of a record, or empty.
std::string text_of_call(const nlohmann::ordered_json& call, const char* key);

}  // namespace stoker
