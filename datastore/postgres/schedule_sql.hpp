#pragma once

// The statements of schedules, and how their rows are read. Private to datastore/postgres.

#include <vector>

#include "datastore/postgres/accept_sql.hpp"
#include "datastore/postgres/job.hpp"
#include "datastore/schedule_store.hpp"

namespace stoker::postgres {

Schedule read_schedule(Row& row);

class ScheduleSql {
public:
    ScheduleSql();

    Step list(const ScheduleFilter& filter, const Page& page) const;
    Step find(const std::string& id) const;
    /// No row: there is no such fn.
    Step insert(const Schedule& schedule) const;
    /// No row: changed or fired since it was read.
    Step update(const Schedule& schedule, std::int64_t rev_before) const;
    /// A row when it was there.
    Step remove(const std::string& id) const;
    Step remove_of_fn(const std::string& fn_id) const;
    Step remove_of_app(const std::string& app_id) const;

    Step list_due(const DueCursor& after, int items_max, WallTime now) const;
    Step find_next(WallTime now) const;
    /// The last answers with the ids of the schedules that are fired now, by this or an earlier
    /// try of it.
    std::vector<Step> fire(
        const std::vector<Firing>& firings, const AcceptSql& accept, WallTime now
    ) const;

private:
    Statement list_, find_, insert_, update_, remove_, remove_of_fn_, remove_of_app_, list_due_,
        find_next_, lock_fns_, lock_, move_on_, list_fired_;
};

}  // namespace stoker::postgres
