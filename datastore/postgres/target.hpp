#pragma once

// Where the server is and how to get in: a `postgres://` URL in libpq's own syntax (several hosts,
// `?sslmode=` and so on), with what the URL leaves open set to what a service needs. Values only.
// Private to datastore/postgres.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/error.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libpq's name
struct pg_conn;

namespace stoker::postgres {

struct Target {
    /// libpq's keywords and values.
    std::vector<std::pair<std::string, std::string>> keywords;
    /// For people; never with a password.
    std::string shown;
};

/// The keywords as libpq's functions take them, while the target lives.
struct TargetWords {
    explicit TargetWords(const Target& target);

    std::vector<const char*> names;  ///< null at the end, as the values
    std::vector<const char*> values;
};

/// Without what libpq ends its messages with.
std::string trimmed(std::string_view message);
/// What libpq says about a connection; null is one that it could not make.
std::string words_of(const pg_conn* connection);

/// What is wrong is said without the password.
Result<Target> parse_target(std::string_view url);

}  // namespace stoker::postgres
