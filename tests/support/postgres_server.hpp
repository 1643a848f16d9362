#pragma once

// A real PostgreSQL server on loopback with data of its own (scripts/services), and statements to
// it. Failures throw.

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace stoker::test {

class PostgresServer {
public:
    /// Its data in that folder, which stays; without one, in one that goes with it.
    explicit PostgresServer(std::filesystem::path folder = {});
    ~PostgresServer();
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;

    /// Again, on the same port with the same data.
    void start();
    void stop();
    /// SIGKILL to the server and to all processes of its connections.
    void kill();

    int port() const { return port_; }
    /// With its superuser.
    std::string url() const;
    /// The first value that a statement gives.
    std::string ask(const std::string& sql) const;

    /// An empty one, for a test that needs a fresh database.
    std::string make_schema();
    void drop_schema(const std::string& schema) const;
    /// `port` may be that of a proxy.
    std::string url_of(const std::string& schema, int port = 0) const;

private:
    void services(const std::string& words) const;
    pid_t pid() const;

    TempDir own_;
    const std::filesystem::path dir_;
    int port_ = 0;
    int schemas_ = 0;
};

/// For all tests of the process that do no harm to it.
PostgresServer& shared_postgres();
/// For those that do, one after the other. Each leaves it running.
PostgresServer& breakable_postgres();

}  // namespace stoker::test
