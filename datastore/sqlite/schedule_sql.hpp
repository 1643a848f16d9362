#pragma once

// SQL of schedules: the reads, and the changes inside the writer's transaction. Firing is told to
// move a schedule on; its calls are CallWrites' part. Private to datastore/sqlite; on the thread
// that owns the connection.

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

#include <optional>
#include <string>
#include <vector>

#include "datastore/schedule_store.hpp"

namespace stoker::sqlite {

class ScheduleReads {
public:
    explicit ScheduleReads(SQLite::Database& db);

    std::vector<Schedule> list(const ScheduleFilter& filter, const Page& page);
    std::optional<Schedule> find(const std::string& id);
    DueSchedules list_due(const DueCursor& after, int items_max, WallTime now);

private:
    SQLite::Statement list_;
    SQLite::Statement find_;
    SQLite::Statement list_due_;
    SQLite::Statement find_next_;
};

class ScheduleWrites {
public:
    explicit ScheduleWrites(SQLite::Database& db);

    /// A row with the same id is our own earlier try: success.
    Result<Schedule> insert(Schedule schedule);
    Result<Schedule> update(const std::string& id, const SchedulePatch& patch, WallTime now);
    Result<void> remove(const std::string& id);
    void remove_of_fn(const std::string& fn_id);
    void remove_of_app(const std::string& app_id);

    /// Whether it still is as it was read.
    bool may_fire(const Firing& firing);
    bool is_fired_by(const Firing& firing);
    void move_on(const Firing& firing);

private:
    ScheduleReads reads_;
    SQLite::Statement find_app_of_fn_;
    SQLite::Statement insert_;
    SQLite::Statement update_;
    SQLite::Statement remove_;
    SQLite::Statement remove_of_fn_;
    SQLite::Statement remove_of_app_;
    SQLite::Statement may_fire_;
    SQLite::Statement is_fired_by_;
    SQLite::Statement move_on_;
};

}  // namespace stoker::sqlite
