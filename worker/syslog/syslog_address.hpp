#pragma once

// Where a syslog_url points. No I/O.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/http/connection.hpp"

namespace stoker {

struct SyslogAddress {
    bool datagrams = false;  ///< udp, unixgram: a message each
    HttpAddress peer;        ///< a unix path, or host and port (514 when not given)

    bool operator==(const SyslogAddress&) const = default;
};

/// `tcp://host[:port]`, `udp://…`, `unix:///path`, `unixgram:///path`. tcp+tls is not spoken. An
/// error says what is wrong.
std::expected<SyslogAddress, std::string> parse_syslog_url(std::string_view url);

}  // namespace stoker
