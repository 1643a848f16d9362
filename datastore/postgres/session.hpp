#pragma once

// A blocking connection for the start of the process: to see whether the server is one that calls
// may be entrusted to, and for migrations. Private to datastore/postgres.

#include <string>
#include <vector>

#include "datastore/postgres/link.hpp"
#include "datastore/postgres/target.hpp"
#include "model/error.hpp"

namespace stoker::postgres {

class Session {
public:
    /// Waits a while for a server that is just starting up.
    static Result<Session> open(const Target& target);

    /// Statements without an answer.
    Result<void> execute(const std::string& sql);
    /// The first value of the first row, as text; empty when there is none.
    Result<std::string> ask(const std::string& sql);
    /// All values of all rows, as text, empty for NULL.
    Result<std::vector<std::vector<std::string>>> rows(const std::string& sql);
    /// 150018 for 15.18.
    int server_version() const;

private:
    Result<ResultHandle> run(const std::string& sql);

    explicit Session(ConnectionHandle connection) : connection_(std::move(connection)) {}

    ConnectionHandle connection_;
};

/// Refuses a server that is too old, and warns of settings that make a 202 a lie.
Result<void> check_server(Session& session);

/// The settings that take the durability out of a commit, and their values, as check_server warns
/// of them; empty when all is well.
Result<std::string> unsafe_settings(Session& session);

}  // namespace stoker::postgres
