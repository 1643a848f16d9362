#include "datastore/postgres/session.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <thread>

#include "common/log.hpp"

namespace stoker::postgres {

namespace {

constexpr int oldest_version = 130'000;
constexpr std::chrono::seconds starting_up_max{10};
constexpr Millis starting_up_pause{100};

ConnectionHandle connect(const Target& target) {
    const TargetWords words(target);
    return ConnectionHandle(PQconnectdbParams(words.names.data(), words.values.data(), 0));
}

/// Only its words tell: there is no SQLSTATE of a failed connection.
bool is_starting_up(const std::string& words) { return words.contains("starting up"); }

}  // namespace

Result<Session> Session::open(const Target& target) {
    const auto deadline = deadline_in(starting_up_max);
    for (;;) {
        auto connection = connect(target);
        if (connection && PQstatus(connection.get()) == CONNECTION_OK) {
            PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
            return Session(std::move(connection));
        }
        auto why = words_of(connection.get());
        if (!is_starting_up(why) || has_passed(deadline)) {
            return fail(
                Errc::store_unavailable,
                fmt::format("cannot use PostgreSQL at {}: {}", target.shown, why)
            );
        }
        std::this_thread::sleep_for(starting_up_pause);
    }
}

Result<void> Session::execute(const std::string& sql) {
    auto asked = ask(sql);
    if (!asked) return fail(std::move(asked.error()));
    return {};
}

Result<ResultHandle> Session::run(const std::string& sql) {
    ResultHandle result(PQexec(connection_.get(), sql.c_str()));
    const auto status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
    return fail(Errc::store_unavailable, "PostgreSQL: " + words_of(connection_.get()));
}

Result<std::string> Session::ask(const std::string& sql) {
    const auto result = run(sql);
    if (!result) return fail(result.error());
    return PQntuples(result->get()) > 0 ? PQgetvalue(result->get(), 0, 0) : "";
}

Result<std::vector<std::vector<std::string>>> Session::rows(const std::string& sql) {
    const auto result = run(sql);
    if (!result) return fail(result.error());
    std::vector<std::vector<std::string>> rows;
    for (int row = 0; row < PQntuples(result->get()); ++row) {
        auto& values = rows.emplace_back();
        for (int column = 0; column < PQnfields(result->get()); ++column) {
            values.emplace_back(PQgetvalue(result->get(), row, column));
        }
    }
    return rows;
}

int Session::server_version() const { return PQserverVersion(connection_.get()); }

Result<std::string> unsafe_settings(Session& session) {
    return session.ask(
        "SELECT string_agg(name || ' = ' || setting, ', ' ORDER BY name) FROM pg_settings"
        " WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'"
    );
}

Result<void> check_server(Session& session) {
    const int version = session.server_version();
    if (version < oldest_version) {
        return fail(
            Errc::store_unavailable,
            fmt::format("PostgreSQL {} is too old: 13 or later is needed", version / 10'000)
        );
    }
    const auto unsafe = unsafe_settings(session);
    if (!unsafe) return fail(unsafe.error());
    if (!unsafe->empty()) {
        log::warn(
            "store.not_durable",
            {{"settings", *unsafe},
             {"hint", "calls that were acknowledged with 202 may be lost in a crash of the server"}}
        );
    }
    return {};
}

}  // namespace stoker::postgres
