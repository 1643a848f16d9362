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
        "INSERT INTO fns(id, app_id, name, image, type, format, memory, cpus, tmpfs_size, timeout,"
        " idle_timeout, max_attempts, max_concurrency, min_idle, config, annotations, rev,"
        " created_at, updated_at, retry_on, retry_base_ms, retry_cap_ms, priority, max_age)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    update_fn_(
        db,
        "UPDATE fns SET image = ?2, type = ?3, format = ?4, memory = ?5, cpus = ?6,"
        " tmpfs_size = ?7, timeout = ?8, idle_timeout = ?9, max_attempts = ?10,"
        " max_concurrency = ?11, min_idle = ?12, config = ?13, annotations = ?14, rev = ?15,"
        " updated_at = ?16, retry_on = ?17, retry_base_ms = ?18, retry_cap_ms = ?19,"
        " priority = ?20, max_age = ?21 WHERE id = ?1"
    ),
    pause_fn_(db, "UPDATE fns SET paused = ?2 WHERE id = ?1"),
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
        to_word(fn.format),
        fn.memory,
        fn.cpus,
        fn.tmpfs_size,
        fn.timeout,
        fn.idle_timeout,
        fn.retry.max_attempts,
        fn.max_concurrency,
        fn.min_idle,
        dump(fn.config),
        dump_annotations(fn.annotations),
        fn.rev,
        fn.created_at,
        fn.updated_at,
        fn.retry.on.bits(),
        fn.retry.base_ms,
        fn.retry.cap_ms,
        fn.priority,
        fn.max_age
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
        to_word(merged->format),
        merged->memory,
        merged->cpus,
        merged->tmpfs_size,
        merged->timeout,
        merged->idle_timeout,
        merged->retry.max_attempts,
        merged->max_concurrency,
        merged->min_idle,
        dump(merged->config),
        dump_annotations(merged->annotations),
        merged->rev,
        merged->updated_at,
        merged->retry.on.bits(),
        merged->retry.base_ms,
        merged->retry.cap_ms,
        merged->priority,
        merged->max_age
    );
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
