#pragma once

// Where the server is and how to get in: a `postgres://` URL in libpq's own syntax (several hosts,
// `?sslmode=` and so on), with what the URL leaves open set to what a service needs. Values only.
// Private to datastore/postgres.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/error.hpp"

namespace stoker::postgres {

struct Target {
    /// libpq's keywords and values.
    std::vector<std::pair<std::string, std::string>> keywords;
    /// For people; never with a password.
    std::string shown;
};

/// What is wrong is said without the password.
Result<Target> parse_target(std::string_view url);

}  // namespace stoker::postgres
