#pragma once

// Fires schedules when they are due: reads them, makes their calls, and has the datastore accept
// those and move the schedules on in one transaction. It sleeps until the next one that it knows
// of, at most an interval, and so finds those of other processes, too. Every api process runs one;
// whoever is faster fires. A schedule whose calls the queue has no room for stays due. Runs on the
// lane given to start().

#include <memory>
#include <string>
#include <vector>

#include "api/acceptor.hpp"
#include "datastore/schedule_store.hpp"

namespace stoker {

struct SchedulerLimits {
    Millis interval{1'000};
    int page = 100;                 ///< schedules read at once
    std::size_t batch_calls = 200;  ///< of one transaction, or those of one schedule
    std::size_t batch_bytes = 4UL << 20U;
};

class Scheduler {
public:
    struct Parts {
        ScheduleStore& store;
        FnCache& cache;
        Acceptor& acceptor;
        IdSource& ids;
        const Clock& clock;
        std::string public_url;  ///< in the URL of the calls; empty: http://localhost
    };
    Scheduler(Parts parts, SchedulerLimits limits, Metrics& metrics);

    void start(Executor lane);
    Task<> stop(Deadline deadline);

    /// Fires all that is due now. How long until there may be more.
    Task<Millis> fire_due();

private:
    struct Batch {
        std::vector<Firing> firings;
        std::vector<FnEntryRef> fns;  ///< of each
        std::size_t calls = 0;
        std::size_t bytes = 0;
    };

    Task<> run();
    Task<> add(const Schedule& schedule, Batch& batch);
    NewCall call_of(const Schedule& schedule, const Fn& fn, WallTime due_at);
    Task<> fire(Batch batch);

    const Parts parts_;
    const SchedulerLimits limits_;
    Counter& fired_;
    Counter& left_out_;
    Counter& put_off_;
    std::unique_ptr<OneShot<bool>> stop_;
    Gate gate_;
};

}  // namespace stoker
