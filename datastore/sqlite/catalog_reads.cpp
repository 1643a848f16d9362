#include "datastore/sqlite/catalog_reads.hpp"

#include <fmt/format.h>

#include "datastore/sqlite/query.hpp"
#include "model/json.hpp"

namespace stoker::sqlite {

namespace {

constexpr std::string_view app_columns =
    "id, name, config, annotations, syslog_url, created_at, updated_at";
constexpr std::string_view fn_columns =
    "id, app_id, name, image, type, format, memory, cpus, tmpfs_size, timeout, idle_timeout, "
    "max_attempts, retry_on, retry_base_ms, retry_cap_ms, priority, max_age, paused, "
    "max_concurrency, min_idle, config, annotations, rev, created_at, updated_at";

std::string select_apps(std::string_view which) {
    return fmt::format("SELECT {} FROM apps WHERE {}", app_columns, which);
}

std::string select_fns(std::string_view which) {
    return fmt::format("SELECT {} FROM fns WHERE {}", fn_columns, which);
}

App read_app(Query& row) {
    App app;
    app.id = row.text();
    app.name = row.text();
    app.config = config_from_text(row.text());
    app.annotations = annotations_from_text(row.text());
    app.syslog_url = row.optional_text();
    app.created_at = row.time();
    app.updated_at = row.time();
    return app;
}

Fn read_fn(Query& row) {
    Fn fn;
    fn.id = row.text();
    fn.app_id = row.text();
    fn.name = row.text();
    fn.image = row.text();
    fn.type = parse_invoke_type(row.text()).value_or(InvokeType::sync);
    fn.format = parse_fn_format(row.text()).value_or(FnFormat::http_stream);
    fn.memory = row.number<std::uint64_t>();
    fn.cpus = row.number<std::uint64_t>();
    fn.tmpfs_size = row.number<std::uint32_t>();
    fn.timeout = row.number<std::int32_t>();
    fn.idle_timeout = row.number<std::int32_t>();
    fn.retry.max_attempts = row.number<int>();
    fn.retry.on = RetryOutcomes(row.number<std::uint8_t>());
    fn.retry.base_ms = row.number();
    fn.retry.cap_ms = row.number();
    fn.priority = row.number<int>();
    fn.max_age = row.number<std::int32_t>();
    fn.paused = row.number() != 0;
    fn.max_concurrency = row.number<std::int32_t>();
    fn.min_idle = row.number<std::int32_t>();
    fn.config = config_from_text(row.text());
    fn.annotations = annotations_from_text(row.text());
    fn.rev = row.number();
    fn.created_at = row.time();
    fn.updated_at = row.time();
    return fn;
}

template <class Row>
std::vector<Row> all(Query&& query, Row (*read)(Query&)) {
    std::vector<Row> rows;
    while (query.next()) rows.push_back(read(query));
    return rows;
}

template <class Row>
std::optional<Row> first(Query&& query, Row (*read)(Query&)) {
    if (!query.next()) return std::nullopt;
    return read(query);
}

}  // namespace

CatalogReads::CatalogReads(SQLite::Database& db) :
    list_apps_(db, select_apps("name > ?1 AND (?2 = '' OR name = ?2) ORDER BY name LIMIT ?3")),
    find_app_(db, select_apps("id = ?1")),
    find_app_named_(db, select_apps("name = ?1")),
    list_fns_(
        db,
        select_fns("app_id = ?1 AND name > ?2 AND (?3 = '' OR name = ?3) ORDER BY name LIMIT ?4")
    ),
    list_warm_fns_(db, select_fns("min_idle > 0")),
    find_fn_(db, select_fns("id = ?1")),
    find_fn_named_(db, select_fns("app_id = ?1 AND name = ?2")) {}

std::vector<App> CatalogReads::list_apps(const AppFilter& filter, const Page& page) {
    return all(Query(list_apps_, page.after, filter.name, page.items_max), read_app);
}

std::optional<App> CatalogReads::find_app(const std::string& id) {
    return first(Query(find_app_, id), read_app);
}

std::optional<App> CatalogReads::find_app_named(const std::string& name) {
    return first(Query(find_app_named_, name), read_app);
}

std::vector<Fn> CatalogReads::list_fns(const FnFilter& filter, const Page& page) {
    return all(Query(list_fns_, filter.app_id, page.after, filter.name, page.items_max), read_fn);
}

std::vector<Fn> CatalogReads::list_warm_fns() { return all(Query(list_warm_fns_), read_fn); }

std::optional<Fn> CatalogReads::find_fn(const std::string& id) {
    return first(Query(find_fn_, id), read_fn);
}

std::optional<Fn> CatalogReads::find_fn_named(const std::string& app_id, const std::string& name) {
    return first(Query(find_fn_named_, app_id, name), read_fn);
}

}  // namespace stoker::sqlite
