#pragma once

// The schedules in the PostgreSQL database. Part of a PostgresDatastore, which owns the pool.

#include "common/clock.hpp"
#include "datastore/postgres/pool.hpp"
#include "datastore/postgres/schedule_sql.hpp"
#include "datastore/schedule_store.hpp"

namespace stoker::postgres {

class PostgresSchedules final : public ScheduleStore {
public:
    PostgresSchedules(
        Pool& pool, const ScheduleSql& sql, const AcceptSql& accept, const Clock& clock
    ) :
        pool_(pool),
        sql_(sql),
        accept_(accept),
        clock_(clock) {}

    Task<Result<std::vector<Schedule>>> list(ScheduleFilter filter, Page page) override;
    Task<Result<Schedule>> get(std::string id) override;
    Task<Result<Schedule>> insert(Schedule schedule) override;
    Task<Result<Schedule>> update(std::string id, SchedulePatch patch) override;
    Task<Result<void>> remove(std::string id) override;
    Task<Result<DueSchedules>> list_due(DueCursor after, int items_max) override;
    Task<Result<std::vector<bool>>> fire(std::vector<Firing> firings) override;

private:
    Pool& pool_;
    const ScheduleSql& sql_;
    const AcceptSql& accept_;
    const Clock& clock_;
};

}  // namespace stoker::postgres
