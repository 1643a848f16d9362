#include "datastore/sqlite/catalog_writes.hpp"

#include "datastore/sqlite/call_columns.hpp"
#include "datastore/sqlite/query.hpp"

namespace stoker::sqlite {

namespace {

std::string update_sql(std::string_view table, std::string_view columns) {
    return fmt::format(
        "UPDATE {} SET ({}) = ({}) WHERE id = ?1", table, columns, parameters(columns, 2)
    );
}

}  // namespace

CatalogWrites::CatalogWrites(SQLite::Database& db) :
    reads_(db),
    insert_app_(
        db,
        fmt::format(
            "INSERT INTO apps({}) VALUES({})", stored::app_columns, parameters(stored::app_columns)
        )
    ),
    update_app_(db, update_sql("apps", stored::changed_app_columns)),
    remove_app_(db, "DELETE FROM apps WHERE id = ?1"),
    insert_fn_(
        db,
        fmt::format(
            "INSERT INTO fns({}) VALUES({})",
            stored::added_fn_columns(),
            parameters(stored::added_fn_columns())
        )
    ),
    update_fn_(db, update_sql("fns", stored::changed_fn_columns)),
    pause_fn_(db, "UPDATE fns SET paused = ?2 WHERE id = ?1"),
    remove_fn_(db, "DELETE FROM fns WHERE id = ?1"),
    remove_fns_(db, "DELETE FROM fns WHERE app_id = ?1") {}

Result<App> CatalogWrites::insert_app(const App& app) {
    if (auto found = reads_.find_app_named(app.name)) {
        if (found->id == app.id) return std::move(*found);
        return fail(Errc::conflict, "App already exists");
    }
    stored::with_values(app, with_all(insert_app_));
    return app;
}

Result<App> CatalogWrites::update_app(const std::string& id, const AppPatch& patch, WallTime now) {
    const auto found = reads_.find_app(id);
    if (!found) return fail(Errc::app_not_found);
    auto merged = apply(*found, patch, now);
    if (!merged || *merged == *found) return merged;
    stored::with_changed_values(*merged, with_all(update_app_), merged->id);
    return merged;
}

Result<void> CatalogWrites::remove_app(const std::string& id) {
    if (change(remove_app_, id) == 0) return fail(Errc::app_not_found);
    change(remove_fns_, id);
    return {};
}

Result<Fn> CatalogWrites::insert_fn(const Fn& fn) {
    if (!reads_.find_app(fn.app_id)) return fail(Errc::app_not_found);
    if (auto found = reads_.find_fn_named(fn.app_id, fn.name)) {
        if (found->id == fn.id) return std::move(*found);
        return fail(Errc::conflict, "Fn with specified name already exists");
    }
    stored::with_values(fn, with_all(insert_fn_));
    return fn;
}

Result<Fn> CatalogWrites::update_fn(const std::string& id, const FnPatch& patch, WallTime now) {
    const auto found = reads_.find_fn(id);
    if (!found) return fail(Errc::fn_not_found);
    auto merged = apply(*found, patch, now);
    if (!merged || *merged == *found) return merged;
    stored::with_changed_values(*merged, with_all(update_fn_), merged->id);
    return merged;
}

Result<Fn> CatalogWrites::pause_fn(const std::string& id, bool paused) {
    change(pause_fn_, id, paused);
    auto fn = reads_.find_fn(id);
    if (!fn) return fail(Errc::fn_not_found);
    return std::move(*fn);
}

Result<void> CatalogWrites::remove_fn(const std::string& id) {
    if (change(remove_fn_, id) == 0) return fail(Errc::fn_not_found);
    return {};
}

}  // namespace stoker::sqlite
