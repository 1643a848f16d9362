#include "datastore/open_datastore.hpp"

#include <fmt/format.h>

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

}  // namespace

Result<std::unique_ptr<Datastore>> open_datastore(
    std::string_view url, const DatastoreOptions& options, const Clock& clock, Metrics& metrics
) {
    const auto colon = url.find(':');
    const auto scheme = url.substr(0, colon);
    if (colon != std::string_view::npos && (scheme == "sqlite" || scheme == "sqlite3")) {
        return SqliteDatastore::open(
            sqlite_options(url.substr(colon + 1), options), clock, metrics
        );
    }
    // The rest of the URL may hold a password.
    return fail(
        Errc::invalid_request,
        fmt::format("no datastore speaks `{}:`; this build has sqlite:", scheme)
    );
}

}  // namespace stoker
