#pragma once

#include <cstdint>
#include <string>

namespace stoker {

/// Where a server listens.
struct ListenAddress {
    std::string host = "127.0.0.1";  ///< an IPv4 or IPv6 address
    std::uint16_t port = 8080;       ///< 0: any free one

    bool operator==(const ListenAddress&) const = default;
};

}  // namespace stoker
