#pragma once

// The schedules of a Datastore: kept, listed when they are due, and fired. Firing is one
// transaction that moves a schedule to its next due time, by compare-and-set of its revision, and
// accepts the calls: whoever is faster fires, and whoever dies meanwhile has done both or neither.
// The calls are accepted as Datastore::accept() does.
//
// As of Datastore: any lane, 5 s at most, and every write can be repeated with the same arguments.

#include <optional>
#include <string>
#include <vector>

#include "datastore/datastore.hpp"
#include "model/schedule.hpp"

namespace stoker {

struct ScheduleFilter {
    std::string app_id;  ///< empty for all
    std::string fn_id;   ///< empty for all
};

/// Where a walk over due schedules goes on; the first step begins with none.
struct DueCursor {
    WallTime next_at{};
    std::string id;
};

struct DueSchedules {
    std::vector<Schedule> due;      ///< the first due first
    std::optional<Millis> next_in;  ///< until the first one that is not due yet
};

/// What becomes of a schedule that was read as due.
struct Firing {
    std::string schedule_id;
    std::int64_t rev = 0;  ///< as it was read
    WallTime next_at{};
    std::optional<WallTime> last_at;  ///< of the last of its calls; none: as before
    std::vector<NewCall> calls;       ///< all of the schedule's fn

    std::string last_call_id() const { return calls.empty() ? "" : calls.back().call.id; }
};

class ScheduleStore {
public:
    virtual ~ScheduleStore() = default;

    /// By id; Page::after is an id.
    virtual Task<Result<std::vector<Schedule>>> list(ScheduleFilter filter, Page page) = 0;
    virtual Task<Result<Schedule>> get(std::string id) = 0;
    /// fn_not_found. Its app is the fn's.
    virtual Task<Result<Schedule>> insert(Schedule schedule) = 0;
    virtual Task<Result<Schedule>> update(std::string id, SchedulePatch patch) = 0;
    virtual Task<Result<void>> remove(std::string id) = 0;

    /// The next `items_max` schedules that are due, by the store's clock.
    virtual Task<Result<DueSchedules>> list_due(DueCursor after, int items_max) = 0;
    /// All in one transaction; for each whether it is done (by this, or an earlier try of it). Not
    /// done: changed, deleted or fired by others since it was read. outcome_unknown if nobody can
    /// say.
    virtual Task<Result<std::vector<bool>>> fire(std::vector<Firing> firings) = 0;
};

}  // namespace stoker
