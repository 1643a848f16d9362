#pragma once

// Whether a server's settings suit a queue: asked at every new connection, told in the log. Nothing
// that it warns of loses a call, because the rows of the datastore are the calls; it costs delays.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "queue/redis/connection.hpp"

namespace stoker::redis {

struct ServerFacts {
    std::string version;  ///< 7.0.15; empty when we may not ask
    bool is_cluster = false;
    bool is_config_known = true;  ///< CONFIG GET may be forbidden, as at most hosters
    std::map<std::string, std::string, std::less<>> config;
};

struct ServerWarning {
    std::string_view setting;
    std::string value;
    std::string_view hint;

    bool operator==(const ServerWarning&) const = default;
};

/// Why such a server cannot be used at all; empty when it can.
std::string unusable_reason(const ServerFacts& facts);
std::vector<ServerWarning> warnings_of(const ServerFacts& facts);

/// Asks a server for them. Fails only when the connection does.
Task<Result<ServerFacts>> ask_facts(Connection& connection, Millis step_max);

}  // namespace stoker::redis
