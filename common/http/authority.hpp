#pragma once

// `host[:port]`, where a request or a setting names one.

#include <string_view>

namespace stoker {

/// A registered name, an IPv4 address or an IPv6 one in brackets, then at most a port; the port may
/// be empty, the host may not.
bool is_authority(std::string_view text);

}  // namespace stoker
