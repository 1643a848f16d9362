#include "datastore/sqlite/catalog_writes.hpp"

#include "datastore/sqlite/query.hpp"
#include "model/json.hpp"

namespace stoker::sqlite {

CatalogWrites::CatalogWrites(SQLite::Database& db) :
    reads_(db),
    insert_app_(
        db,
        "INSERT INTO apps(id, name, config, annotations, syslog_url, created_at, updated_at)"
        " VALUES(?, ?, ?, ?, ?, ?, ?)"
    ),
    update_app_(
        db,
        "UPDATE apps SET config = ?2, annotations = ?3, syslog_url = ?4, updated_at = ?5"
        " WHERE id = ?1"
    ),
    remove_app_(db, "DELETE FROM apps WHERE id = ?1"),
    insert_fn_(
        db,
        "INSERT INTO fns(id, app_id, name, image, type, memory, timeout, idle_timeout,"
        " max_attempts, config, annotations, rev, created_at, updated_at)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    update_fn_(
        db,
        "UPDATE fns SET image = ?2, type = ?3, memory = ?4, timeout = ?5, idle_timeout = ?6,"
        " max_attempts = ?7, config = ?8, annotations = ?9, rev = ?10, updated_at = ?11"
        " WHERE id = ?1"
    ),
    remove_fn_(db, "DELETE FROM fns WHERE id = ?1"),
    remove_fns_(db, "DELETE FROM fns WHERE app_id = ?1") {}

Result<App> CatalogWrites::insert_app(const App& app) {
    if (auto found = reads_.find_app_named(app.name)) {
        if (found->id == app.id) return std::move(*found);
        return fail(Errc::conflict, "App already exists");
    }
    change(
        insert_app_,
        app.id,
        app.name,
        dump(app.config),
        dump_annotations(app.annotations),
        app.syslog_url,
        app.created_at,
        app.updated_at
    );
    return app;
}

Result<App> CatalogWrites::update_app(const std::string& id, const AppPatch& patch, WallTime now) {
    const auto found = reads_.find_app(id);
    if (!found) return fail(Errc::app_not_found);
    auto merged = apply(*found, patch, now);
    if (!merged || *merged == *found) return merged;
    change(
        update_app_,
        merged->id,
        dump(merged->config),
        dump_annotations(merged->annotations),
        merged->syslog_url,
        merged->updated_at
    );
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
    change(
        insert_fn_,
        fn.id,
        fn.app_id,
        fn.name,
        fn.image,
        to_word(fn.type),
        fn.memory,
        fn.timeout,
        fn.idle_timeout,
        fn.retry.max_attempts,
        dump(fn.config),
        dump_annotations(fn.annotations),
        fn.rev,
        fn.created_at,
        fn.updated_at
    );
    return fn;
}

Result<Fn> CatalogWrites::update_fn(const std::string& id, const FnPatch& patch, WallTime now) {
    const auto found = reads_.find_fn(id);
    if (!found) return fail(Errc::fn_not_found);
    auto merged = apply(*found, patch, now);
    if (!merged || *merged == *found) return merged;
    change(
        update_fn_,
        merged->id,
        merged->image,
        to_word(merged->type),
        merged->memory,
        merged->timeout,
        merged->idle_timeout,
        merged->retry.max_attempts,
        dump(merged->config),
        dump_annotations(merged->annotations),
        merged->rev,
        merged->updated_at
    );
    return merged;
}

Result<void> CatalogWrites::remove_fn(const std::string& id) {
    if (change(remove_fn_, id) == 0) return fail(Errc::fn_not_found);
    return {};
}

}  // namespace stoker::sqlite
