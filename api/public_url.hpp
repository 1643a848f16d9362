#pragma once

#include <string>

#include "common/http/server_exchange.hpp"

namespace stoker {

/// Where a client reaches us, without a slash at the end: the setting, else as this one did.
inline std::string base_url(std::string_view public_url, const Request& request) {
    while (public_url.ends_with('/')) public_url.remove_suffix(1);
    if (!public_url.empty()) return std::string(public_url);
    return "http://" + (request.host.empty() ? std::string("localhost") : request.host);
}

}  // namespace stoker
