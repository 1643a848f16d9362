#include "datastore/open_datastore.hpp"

#include <fmt/format.h>

#include "datastore/audit.hpp"
#include "datastore/postgres/postgres_audit.hpp"
#include "datastore/postgres/postgres_call_events.hpp"
#include "datastore/postgres/postgres_datastore.hpp"
#include "datastore/postgres/target.hpp"
#include "datastore/sqlite/sqlite_audit.hpp"
#include "datastore/sqlite/sqlite_datastore.hpp"

namespace stoker {

namespace {

bool names_a_file(const std::filesystem::path& path) {
    const auto extension = path.extension();
    return extension == ".db" || extension == ".sqlite" || extension == ".sqlite3" ||
           std::filesystem::is_regular_file(path);
}

SqliteOptions sqlite_options(std::string_view where, const DatastoreOptions& options) {
    SqliteOptions sqlite;
    sqlite.survives_power_cut = options.survives_power_cut;
    sqlite.space = options.space;
    sqlite.folder = options.data_folder;
    if (where.starts_with("//")) where.remove_prefix(2);
    if (where.empty()) return sqlite;
    const std::filesystem::path path(where);
    if (!names_a_file(path)) {
        sqlite.folder = path;
        return sqlite;
    }
    sqlite.folder = path.has_parent_path() ? path.parent_path() : ".";
    sqlite.file = path.filename();
    return sqlite;
}

enum class Backend : std::uint8_t { unknown, sqlite, postgres };

Backend backend_of(std::string_view url) {
    const auto colon = url.find(':');
    const auto scheme = url.substr(0, colon);
    if (colon == std::string_view::npos) return Backend::unknown;
    if (scheme == "sqlite" || scheme == "sqlite3") return Backend::sqlite;
    if (scheme == "postgres" || scheme == "postgresql") return Backend::postgres;
    return Backend::unknown;
}

/// The rest of the URL may hold a password.
std::unexpected<Error> unknown_scheme(std::string_view url) {
    return fail(
        Errc::invalid_request,
        fmt::format(
            "no datastore speaks `{}:`; this build has sqlite: and postgres:",
            url.substr(0, url.find(':'))
        )
    );
}

}  // namespace

Result<void> check_datastore_url(std::string_view url) {
    switch (backend_of(url)) {
        case Backend::unknown: return unknown_scheme(url);
        case Backend::sqlite: return {};
        case Backend::postgres: break;
    }
    const auto target = postgres::parse_target(url);
    if (!target) return fail(target.error());
    return {};
}

bool is_shared_datastore(std::string_view url) { return backend_of(url) == Backend::postgres; }

Result<std::unique_ptr<Datastore>> open_datastore(
    std::string_view url, const DatastoreOptions& options, const Clock& clock, Metrics& metrics
) {
    switch (backend_of(url)) {
        case Backend::unknown: return unknown_scheme(url);
        case Backend::postgres:
            return PostgresDatastore::open({.url = std::string(url)}, clock, metrics);
        case Backend::sqlite: break;
    }
    const auto where = url.substr(url.find(':') + 1);
    return SqliteDatastore::open(sqlite_options(where, options), clock, metrics);
}

Result<Audit> audit_datastore(std::string_view url, const DatastoreOptions& options, WallTime now) {
    Result<std::unique_ptr<AuditSource>> source = nullptr;
    switch (backend_of(url)) {
        case Backend::unknown: return unknown_scheme(url);
        case Backend::postgres: {
            const auto target = postgres::parse_target(url);
            if (!target) return fail(target.error());
            source = postgres::open_audit(*target);
            break;
        }
        case Backend::sqlite:
            source = sqlite::open_audit(sqlite_options(url.substr(url.find(':') + 1), options));
    }
    if (!source) return fail(std::move(source.error()));
    return audit(**source, now);
}

std::unique_ptr<CallEvents> open_call_events(std::string_view url, Metrics& metrics) {
    if (backend_of(url) != Backend::postgres) return make_local_call_events();
    auto target = postgres::parse_target(url);
    if (!target) return make_local_call_events();
    return std::make_unique<PostgresCallEvents>(std::move(*target), metrics);
}

}  // namespace stoker
