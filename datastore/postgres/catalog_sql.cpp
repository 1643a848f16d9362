#include "datastore/postgres/catalog_sql.hpp"

#include <fmt/format.h>

#include "datastore/stored_rows.hpp"

namespace stoker::postgres {

namespace {

std::string select_apps(std::string_view which) {
    return fmt::format("SELECT {}, rev FROM apps WHERE {}", stored::app_columns, which);
}

std::string select_fns(std::string_view which) {
    return fmt::format("SELECT {} FROM fns WHERE {}", stored::fn_columns(), which);
}

std::string update_sql(
    std::string_view table, std::string_view columns, const Types& types, std::string_view more
) {
    return fmt::format(
        "UPDATE {0} SET ({1}) = ROW({2}){3} WHERE id = $1::text AND rev = ${4}::bigint RETURNING "
        "id",
        table,
        columns,
        parameters(types, 2),
        more,
        types.size() + 2
    );
}

}  // namespace

StoredApp read_stored_app(Row& row) {
    auto app = stored::read_app(row);
    return {std::move(app), row.number()};
}

FnSpecRef read_warm_fn(Row& row) {
    const auto fn = stored::read_fn(row);
    return make_fn_spec(stored::read_app(row), fn);
}

// An fn is added under a lock of its app's key, which a delete of the app waits for, and so on down
// to the calls: what is deleted takes everything with it, whoever adds meanwhile.
CatalogSql::CatalogSql() :
    list_apps_{
        "list_apps",
        select_apps(
            "name > $1::text AND ($2::text = '' OR name = $2) ORDER BY name LIMIT $3::bigint"
        )
    },
    find_app_{"find_app", select_apps("id = $1::text")},
    find_app_named_{"find_app_named", select_apps("name = $1::text")},
    insert_app_{
        "insert_app",
        fmt::format(
            "INSERT INTO apps({}) VALUES({}) ON CONFLICT DO NOTHING RETURNING id",
            stored::app_columns,
            parameters(stored::with_values(App{}, types_of), 1)
        )
    },
    update_app_{
        "update_app",
        update_sql(
            "apps",
            stored::changed_app_columns,
            stored::with_changed_values(App{}, types_of),
            ", rev = rev + 1"
        )
    },
    lock_app_{"lock_app", "SELECT id FROM apps WHERE id = $1::text FOR UPDATE"},
    lock_fns_of_app_{
        "lock_fns_of_app", "SELECT id FROM fns WHERE app_id = $1::text ORDER BY id FOR UPDATE"
    },
    remove_app_{"remove_app", "DELETE FROM apps WHERE id = $1::text"},
    remove_fns_of_app_{"remove_fns_of_app", "DELETE FROM fns WHERE app_id = $1::text"},
    list_fns_{
        "list_fns",
        select_fns("app_id = $1::text AND name > $2::text AND ($3::text = '' OR name = $3)"
                   " ORDER BY name LIMIT $4::bigint")
    },
    list_warm_fns_{
        "list_warm_fns",
        fmt::format(
            "SELECT {}, {} FROM fns JOIN apps ON apps.id = fns.app_id WHERE min_idle > 0",
            stored::with_prefix("fns", stored::fn_columns()),
            stored::with_prefix("apps", stored::app_columns)
        )
    },
    find_fn_{"find_fn", select_fns("id = $1::text")},
    find_fn_named_{"find_fn_named", select_fns("app_id = $1::text AND name = $2::text")},
    insert_fn_{
        "insert_fn",
        fmt::format(
            "INSERT INTO fns({}) SELECT {}"
            " FROM (SELECT id FROM apps WHERE id = $2::text FOR KEY SHARE) AS app"
            " ON CONFLICT DO NOTHING RETURNING id",
            stored::added_fn_columns(),
            parameters(stored::with_values(Fn{}, types_of), 1)
        )
    },
    update_fn_{
        "update_fn",
        update_sql(
            "fns", stored::changed_fn_columns, stored::with_changed_values(Fn{}, types_of), ""
        )
    },
    set_paused_{
        "set_paused", "UPDATE fns SET paused = $2::boolean WHERE id = $1::text RETURNING id"
    },
    remove_fn_{"remove_fn", "DELETE FROM fns WHERE id = $1::text RETURNING id"} {}

Step CatalogSql::list_apps(const AppFilter& filter, const Page& page) const {
    return step(list_apps_, page.after, filter.name, page.items_max);
}

Step CatalogSql::find_app(const std::string& id) const { return step(find_app_, id); }

Step CatalogSql::find_app_named(const std::string& name) const {
    return step(find_app_named_, name);
}

Step CatalogSql::insert_app(const App& app) const {
    return stored::with_values(app, [this](const auto&... values) {
        return step(insert_app_, values...);
    });
}

Step CatalogSql::update_app(const App& app, std::int64_t rev_before) const {
    const auto put = [&](const auto&... values) {
        return step(update_app_, values..., rev_before);
    };
    return stored::with_changed_values(app, put, app.id);
}

Step CatalogSql::lock_app(const std::string& id) const { return step(lock_app_, id); }
Step CatalogSql::lock_fns_of_app(const std::string& id) const { return step(lock_fns_of_app_, id); }
Step CatalogSql::remove_app(const std::string& id) const { return step(remove_app_, id); }
Step CatalogSql::remove_fns_of_app(const std::string& id) const {
    return step(remove_fns_of_app_, id);
}

Step CatalogSql::list_fns(const FnFilter& filter, const Page& page) const {
    return step(list_fns_, filter.app_id, page.after, filter.name, page.items_max);
}

Step CatalogSql::list_warm_fns() const { return step(list_warm_fns_); }

Step CatalogSql::find_fn(const std::string& id) const { return step(find_fn_, id); }

Step CatalogSql::find_fn_named(const std::string& app_id, const std::string& name) const {
    return step(find_fn_named_, app_id, name);
}

Step CatalogSql::insert_fn(const Fn& fn) const {
    return stored::with_values(fn, [this](const auto&... values) {
        return step(insert_fn_, values...);
    });
}

Step CatalogSql::update_fn(const Fn& fn, std::int64_t rev_before) const {
    const auto put = [&](const auto&... values) { return step(update_fn_, values..., rev_before); };
    return stored::with_changed_values(fn, put, fn.id);
}

Step CatalogSql::set_paused(const std::string& id, bool paused) const {
    return step(set_paused_, id, paused);
}

Step CatalogSql::remove_fn(const std::string& id) const { return step(remove_fn_, id); }

}  // namespace stoker::postgres
