#include "datastore/sqlite/catalog_reads.hpp"

#include <fmt/format.h>

#include "datastore/sqlite/query.hpp"
#include "datastore/stored_rows.hpp"

namespace stoker::sqlite {

namespace {

std::string select_apps(std::string_view which) {
    return fmt::format("SELECT {} FROM apps WHERE {}", stored::app_columns, which);
}

std::string select_fns(std::string_view which) {
    return fmt::format("SELECT {} FROM fns WHERE {}", stored::fn_columns(), which);
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
    return all(Query(list_apps_, page.after, filter.name, page.items_max), stored::read_app<Query>);
}

std::optional<App> CatalogReads::find_app(const std::string& id) {
    return first(Query(find_app_, id), stored::read_app<Query>);
}

std::optional<App> CatalogReads::find_app_named(const std::string& name) {
    return first(Query(find_app_named_, name), stored::read_app<Query>);
}

std::vector<Fn> CatalogReads::list_fns(const FnFilter& filter, const Page& page) {
    return all(Query(list_fns_, filter.app_id, page.after, filter.name, page.items_max), stored::read_fn<Query>);
}

std::vector<Fn> CatalogReads::list_warm_fns() {
    return all(Query(list_warm_fns_), stored::read_fn<Query>);
}

std::optional<Fn> CatalogReads::find_fn(const std::string& id) {
    return first(Query(find_fn_, id), stored::read_fn<Query>);
}

std::optional<Fn> CatalogReads::find_fn_named(const std::string& app_id, const std::string& name) {
    return first(Query(find_fn_named_, app_id, name), stored::read_fn<Query>);
}

}  // namespace stoker::sqlite
