#pragma once

// What a queue URL says about a Redis server, or about the Sentinels that know which server it is:
//     redis://[[user]:password@]host[:port][/db][?prefix=NAME]
//     redis+sentinel://[[user]:password@]host[:port],host[:port].../master-name[/db][?prefix=NAME]
// User, password and master's name are percent-decoded. Errors never repeat the URL, which may hold
// a password.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace stoker::redis {

struct Address {
    std::string host;
    std::uint16_t port = 6379;

    std::string text() const { return host + ":" + std::to_string(port); }
    bool operator==(const Address&) const = default;
};

struct Settings {
    std::vector<Address> servers;  ///< the server alone, or the Sentinels
    std::string master_name;       ///< empty without Sentinels
    std::string user;              ///< empty is Redis' default user
    std::string password;          ///< empty: does not authenticate
    int db = 0;
    std::string prefix = "stoker";  ///< of every key: queues of one server are apart by it

    bool asks_sentinels() const { return !master_name.empty(); }
    /// All keys are in one slot of a cluster, should there ever be one: hence the braces.
    std::string key_prefix() const { return prefix + ":{0}:"; }
};

/// The schemes above, and rediss:, which is refused with a reason.
bool is_redis_scheme(std::string_view scheme);

std::expected<Settings, std::string> parse_url(std::string_view url);

}  // namespace stoker::redis
