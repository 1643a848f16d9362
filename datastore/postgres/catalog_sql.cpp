#include "datastore/postgres/catalog_sql.hpp"

#include <fmt/format.h>

#include <ranges>

#include "model/json.hpp"

namespace stoker::postgres {

namespace {

constexpr std::string_view app_columns =
    "id, name, config, annotations, syslog_url, created_at, updated_at";
constexpr std::string_view fn_columns =
    "id, app_id, name, image, type, format, memory, cpus, tmpfs_size, timeout, idle_timeout, "
    "max_attempts, max_concurrency, min_idle, config, annotations, rev, created_at, updated_at";

std::string select_apps(std::string_view which) {
    return fmt::format("SELECT {}, rev FROM apps WHERE {}", app_columns, which);
}

/// Each column with the name of its table.
std::string with_prefix(std::string_view table, std::string_view columns) {
    std::string prefixed;
    for (const auto column : std::views::split(columns, std::string_view(", "))) {
        prefixed +=
            fmt::format("{}{}.{}", prefixed.empty() ? "" : ", ", table, std::string_view(column));
    }
    return prefixed;
}

std::string select_fns(std::string_view which) {
    return fmt::format("SELECT {} FROM fns WHERE {}", fn_columns, which);
}

}  // namespace

App read_app(Row& row) {
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

StoredApp read_stored_app(Row& row) {
    auto app = read_app(row);
    return {std::move(app), row.number()};
}

Fn read_fn(Row& row) {
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
    fn.max_concurrency = row.number<std::int32_t>();
    fn.min_idle = row.number<std::int32_t>();
    fn.config = config_from_text(row.text());
    fn.annotations = annotations_from_text(row.text());
    fn.rev = row.number();
    fn.created_at = row.time();
    fn.updated_at = row.time();
    return fn;
}

FnSpecRef read_warm_fn(Row& row) {
    const auto fn = read_fn(row);
    return make_fn_spec(read_app(row), fn);
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
            "INSERT INTO apps({}) VALUES($1::text, $2::text, $3::text, $4::text, $5::text,"
            " $6::bigint, $7::bigint) ON CONFLICT DO NOTHING RETURNING id",
            app_columns
        )
    },
    update_app_{
        "update_app",
        "UPDATE apps SET config = $2::text, annotations = $3::text, syslog_url = $4::text,"
        " updated_at = $5::bigint, rev = rev + 1 WHERE id = $1::text AND rev = $6::bigint"
        " RETURNING id"
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
            with_prefix("fns", fn_columns),
            with_prefix("apps", app_columns)
        )
    },
    find_fn_{"find_fn", select_fns("id = $1::text")},
    find_fn_named_{"find_fn_named", select_fns("app_id = $1::text AND name = $2::text")},
    insert_fn_{
        "insert_fn",
        fmt::format(
            "INSERT INTO fns({}) SELECT $1::text, id, $3::text, $4::text, $5::text, $6::text,"
            " $7::bigint, $8::bigint, $9::bigint, $10::bigint, $11::bigint, $12::bigint,"
            " $13::bigint, $14::bigint, $15::text, $16::text, $17::bigint, $18::bigint,"
            " $19::bigint FROM (SELECT id FROM apps WHERE id = $2::text FOR KEY SHARE) AS app"
            " ON CONFLICT DO NOTHING RETURNING id",
            fn_columns
        )
    },
    update_fn_{
        "update_fn",
        "UPDATE fns SET image = $2::text, type = $3::text, format = $4::text, memory = $5::bigint,"
        " cpus = $6::bigint, tmpfs_size = $7::bigint, timeout = $8::bigint,"
        " idle_timeout = $9::bigint, max_attempts = $10::bigint, max_concurrency = $11::bigint,"
        " min_idle = $12::bigint, config = $13::text, annotations = $14::text, rev = $15::bigint,"
        " updated_at = $16::bigint WHERE id = $1::text AND rev = $17::bigint RETURNING id"
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
    return step(
        insert_app_,
        app.id,
        app.name,
        dump(app.config),
        dump_annotations(app.annotations),
        app.syslog_url,
        app.created_at,
        app.updated_at
    );
}

Step CatalogSql::update_app(const App& app, std::int64_t rev_before) const {
    return step(
        update_app_,
        app.id,
        dump(app.config),
        dump_annotations(app.annotations),
        app.syslog_url,
        app.updated_at,
        rev_before
    );
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
    return step(
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
        fn.updated_at
    );
}

Step CatalogSql::update_fn(const Fn& fn, std::int64_t rev_before) const {
    return step(
        update_fn_,
        fn.id,
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
        fn.updated_at,
        rev_before
    );
}

Step CatalogSql::remove_fn(const std::string& id) const { return step(remove_fn_, id); }

}  // namespace stoker::postgres
