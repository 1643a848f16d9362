#pragma once

// Base64 (RFC 4648), as far as container registries need it: what Docker's configuration holds, and
// what the engine wants in a header.

#include <optional>
#include <string>
#include <string_view>

namespace stoker {

/// With the alphabet for URLs, padded.
std::string base64url_encode(std::string_view bytes);

/// Of the standard alphabet or that for URLs, padded or not. Empty for anything else.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace stoker
