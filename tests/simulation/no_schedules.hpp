#pragma once

// The schedules of a simulated store, which has none.

#include "datastore/schedule_store.hpp"

namespace stoker::test {

class NoSchedules final : public ScheduleStore {
public:
    Task<Result<std::vector<Schedule>>> list(ScheduleFilter, Page) override {
        return none<std::vector<Schedule>>();
    }
    Task<Result<Schedule>> get(std::string) override { return none<Schedule>(); }
    Task<Result<Schedule>> insert(Schedule) override { return none<Schedule>(); }
    Task<Result<Schedule>> update(std::string, SchedulePatch) override { return none<Schedule>(); }
    Task<Result<void>> remove(std::string) override { return none<void>(); }
    Task<Result<DueSchedules>> list_due(DueCursor, int) override { return none<DueSchedules>(); }
    Task<Result<std::vector<bool>>> fire(std::vector<Firing>) override {
        return none<std::vector<bool>>();
    }

private:
    template <class T>
    static Task<Result<T>> none() {
        co_return fail(Errc::internal);
    }
};

}  // namespace stoker::test
