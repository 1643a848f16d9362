#pragma once

// /v2/schedules: create, read, change, delete and list. Any lane; the Scheduler fires them.

#include "api/router.hpp"
#include "datastore/schedule_store.hpp"
#include "model/id.hpp"

namespace stoker {

class SchedulesApi {
public:
    SchedulesApi(ScheduleStore& store, IdSource& ids, const Clock& clock) :
        store_(store),
        ids_(ids),
        clock_(clock) {}

    void add_routes(Router& router);

private:
    Task<Result<Reply>> list(Exchange& exchange);
    Task<Result<Reply>> create(Exchange& exchange);
    Task<Result<Reply>> get(std::string id);
    Task<Result<Reply>> update(Exchange& exchange, std::string id);
    Task<Result<Reply>> remove(std::string id);

    ScheduleStore& store_;
    IdSource& ids_;
    const Clock& clock_;
};

}  // namespace stoker
