#pragma once

// The schedules in the SQLite file. Part of a SqliteDatastore, which owns the engine.

#include "datastore/schedule_store.hpp"
#include "datastore/sqlite/engine.hpp"

namespace stoker::sqlite {

class SqliteSchedules final : public ScheduleStore {
public:
    explicit SqliteSchedules(Engine& engine) : engine_(engine) {}

    Task<Result<std::vector<Schedule>>> list(ScheduleFilter filter, Page page) override;
    Task<Result<Schedule>> get(std::string id) override;
    Task<Result<Schedule>> insert(Schedule schedule) override;
    Task<Result<Schedule>> update(std::string id, SchedulePatch patch) override;
    Task<Result<void>> remove(std::string id) override;
    Task<Result<DueSchedules>> list_due(DueCursor after, int items_max) override;
    Task<Result<std::vector<bool>>> fire(std::vector<Firing> firings) override;

private:
    bool has_room() const;

    Engine& engine_;
};

}  // namespace stoker::sqlite
