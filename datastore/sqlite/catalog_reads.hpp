#pragma once

// The read statements of apps and fns, prepared once for a connection. Private to datastore/sqlite;
// used on the thread that owns the connection.

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <optional>
#include <string>
#include <vector>

#include "datastore/datastore.hpp"

namespace stoker::sqlite {

class CatalogReads {
public:
    explicit CatalogReads(SQLite::Database& db);

    std::vector<App> list_apps(const AppFilter& filter, const Page& page);
    std::optional<App> find_app(const std::string& id);
    std::optional<App> find_app_named(const std::string& name);

    std::vector<Fn> list_fns(const FnFilter& filter, const Page& page);
    /// Those with a min_idle.
    std::vector<Fn> list_warm_fns();
    std::optional<Fn> find_fn(const std::string& id);
    std::optional<Fn> find_fn_named(const std::string& app_id, const std::string& name);

private:
    SQLite::Statement list_apps_;
    SQLite::Statement find_app_;
    SQLite::Statement find_app_named_;
    SQLite::Statement list_fns_;
    SQLite::Statement list_warm_fns_;
    SQLite::Statement find_fn_;
    SQLite::Statement find_fn_named_;
};

}  // namespace stoker::sqlite
