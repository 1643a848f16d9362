#pragma once

// The statements of apps and fns, and how their rows are read. Private to datastore/postgres.

#include "datastore/datastore.hpp"
#include "datastore/postgres/job.hpp"

namespace stoker::postgres {

/// With the revision that an update compares.
struct StoredApp {
    App app;
    std::int64_t rev = 0;
};
StoredApp read_stored_app(Row& row);

/// A row of list_warm_fns().
FnSpecRef read_warm_fn(Row& row);

class CatalogSql {
public:
    CatalogSql();

    Step list_apps(const AppFilter& filter, const Page& page) const;
    Step find_app(const std::string& id) const;
    Step find_app_named(const std::string& name) const;
    /// No row: the name is taken.
    Step insert_app(const App& app) const;
    /// No row: changed since it was read.
    Step update_app(const App& app, std::int64_t rev_before) const;
    /// A row when it was there. Nothing can be added to the app until the job ends.
    Step lock_app(const std::string& id) const;
    Step lock_fns_of_app(const std::string& id) const;
    Step remove_app(const std::string& id) const;
    Step remove_fns_of_app(const std::string& id) const;

    Step list_fns(const FnFilter& filter, const Page& page) const;
    /// Those with a min_idle, and their apps.
    Step list_warm_fns() const;
    Step find_fn(const std::string& id) const;
    Step find_fn_named(const std::string& app_id, const std::string& name) const;
    /// No row: the name is taken, or there is no such app.
    Step insert_fn(const Fn& fn) const;
    Step update_fn(const Fn& fn, std::int64_t rev_before) const;
    /// A row when it is there.
    Step set_paused(const std::string& id, bool paused) const;
    /// A row when it was there.
    Step remove_fn(const std::string& id) const;

private:
    Statement list_apps_, find_app_, find_app_named_, insert_app_, update_app_, lock_app_,
        lock_fns_of_app_, remove_app_, remove_fns_of_app_;
    Statement list_fns_, list_warm_fns_, find_fn_, find_fn_named_, insert_fn_, update_fn_,
        set_paused_, remove_fn_;
};

}  // namespace stoker::postgres
