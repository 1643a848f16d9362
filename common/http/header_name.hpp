#pragma once

// How a header's name is spelt where spelling matters: as a key of a map or of an environment.

#include <string>
#include <string_view>

namespace stoker {

/// As Go's net/http has it: `X-Call-Id`, whatever the case it came in. A name with bytes that no
/// name has is left as it is.
std::string canonical_header_name(std::string_view name);

}  // namespace stoker
