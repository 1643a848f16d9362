#include "tests/support/postgres_server.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <vector>

namespace stoker::test {

namespace {

using Connection = std::unique_ptr<PGconn, decltype([](PGconn* c) { ::PQfinish(c); })>;
using Answer = std::unique_ptr<PGresult, decltype([](PGresult* r) { ::PQclear(r); })>;

std::vector<pid_t> children_of(pid_t parent) {
    std::vector<pid_t> children;
    std::ifstream list(fmt::format("/proc/{0}/task/{0}/children", parent));
    for (pid_t child = 0; list >> child;) children.push_back(child);
    return children;
}

}  // namespace

PostgresServer::PostgresServer(std::filesystem::path folder) :
    dir_(folder.empty() ? own_.path() : std::move(folder)) {
    start();
    std::string address;
    std::ifstream(dir_ / "address") >> address;
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
}

PostgresServer::~PostgresServer() {
    try {
        stop();
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the test has its verdict
    }
}

void PostgresServer::start() { services(fmt::format("start --port {}", port_)); }

void PostgresServer::stop() { services("stop"); }

void PostgresServer::kill() {
    const auto server = pid();
    const auto children = children_of(server);
    ::kill(server, SIGKILL);
    for (const auto child : children) ::kill(child, SIGKILL);
    stop();  // waits until it is gone
}

pid_t PostgresServer::pid() const {
    pid_t pid = 0;
    std::ifstream(dir_ / "pid") >> pid;
    if (pid <= 0) throw std::runtime_error("the PostgreSQL server does not run");
    return pid;
}

std::string PostgresServer::url() const {
    return fmt::format("postgres://stoker:stoker@127.0.0.1:{}/postgres", port_);
}

std::string PostgresServer::ask(const std::string& sql) const {
    const Connection connection(::PQconnectdb(url().c_str()));
    const Answer answer(::PQexec(connection.get(), sql.c_str()));
    const auto status = ::PQresultStatus(answer.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        throw std::runtime_error(sql + ": " + ::PQerrorMessage(connection.get()));
    }
    return ::PQntuples(answer.get()) > 0 ? ::PQgetvalue(answer.get(), 0, 0) : "";
}

std::string PostgresServer::make_schema() {
    auto schema = fmt::format("test_{}", ++schemas_);
    ask("CREATE SCHEMA " + schema);
    return schema;
}

void PostgresServer::drop_schema(const std::string& schema) const {
    ask("SET client_min_messages = error; DROP SCHEMA " + schema + " CASCADE");
}

std::string PostgresServer::url_of(const std::string& schema, int port) const {
    return fmt::format(
        "postgres://stoker:stoker@127.0.0.1:{}/postgres?options=-csearch_path%3D{}",
        port == 0 ? port_ : port,
        schema
    );
}

void PostgresServer::services(const std::string& words) const {
    const auto command = std::string(STOKER_SERVICES) + " postgres " + words + " --dir '" +
                         dir_.string() + "' >/dev/null";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

PostgresServer& shared_postgres() {
    static PostgresServer server;
    return server;
}

PostgresServer& breakable_postgres() {
    static PostgresServer server;
    return server;
}

}  // namespace stoker::test
