#pragma once

// The changes of apps and fns, run inside the writer's transaction. Cancelling the waiting calls of
// what is deleted is CallSweeps' part. Private to datastore/sqlite; on the writer's thread.

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <string>

#include "datastore/datastore.hpp"
#include "datastore/sqlite/catalog_reads.hpp"

namespace stoker::sqlite {

class CatalogWrites {
public:
    explicit CatalogWrites(SQLite::Database& db);

    /// A row with the same id is our own earlier try: success.
    Result<App> insert_app(const App& app);
    Result<App> update_app(const std::string& id, const AppPatch& patch, WallTime now);
    /// With its fns.
    Result<void> remove_app(const std::string& id);

    Result<Fn> insert_fn(const Fn& fn);
    Result<Fn> update_fn(const std::string& id, const FnPatch& patch, WallTime now);
    bool has_fn(const std::string& id) { return reads_.find_fn(id).has_value(); }
    Result<Fn> pause_fn(const std::string& id, bool paused);
    Result<void> remove_fn(const std::string& id);

private:
    CatalogReads reads_;
    SQLite::Statement insert_app_;
    SQLite::Statement update_app_;
    SQLite::Statement remove_app_;
    SQLite::Statement insert_fn_;
    SQLite::Statement update_fn_;
    SQLite::Statement pause_fn_;
    SQLite::Statement remove_fn_;
    SQLite::Statement remove_fns_;
};

}  // namespace stoker::sqlite
