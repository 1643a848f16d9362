#pragma once

// The few lines of JSON that are written by hand because they are on a hot path or carry bytes of
// unknown origin. Everything else uses nlohmann::json.

#include <string>
#include <string_view>

namespace stoker {

/// Appends `text` as a JSON string literal. Bytes that are not valid UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace stoker
