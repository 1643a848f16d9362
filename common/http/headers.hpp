#pragma once

// Header fields in the order they came, each value kept by itself: multi-valued end to end.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stoker {

using Header = std::pair<std::string, std::string>;
using Headers = std::vector<Header>;

/// ASCII, case-insensitive.
bool same_header_name(std::string_view a, std::string_view b);
/// The first value, or null. Names compare without case.
const std::string* find_header(const Headers& headers, std::string_view name);
/// Connection, Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade: they end at each hop.
bool is_hop_by_hop(std::string_view name);
/// A name and value that can be written on the wire without changing the framing around them.
bool is_valid_header(std::string_view name, std::string_view value);

}  // namespace stoker
