#include "datastore/postgres/postgres_schedules.hpp"

#include <set>

#include "datastore/postgres/answers.hpp"

namespace stoker::postgres {

namespace {

/// How often an update that was overtaken by another, or by a firing, begins anew.
constexpr int update_tries_max = 5;

}  // namespace

Task<Result<std::vector<Schedule>>> PostgresSchedules::list(ScheduleFilter filter, Page page) {
    co_return all(co_await pool_.run(sql_.list(filter, page)), read_schedule);
}

Task<Result<Schedule>> PostgresSchedules::get(std::string id) {
    co_return one(co_await pool_.run(sql_.find(id)), read_schedule, Errc::schedule_not_found);
}

Task<Result<Schedule>> PostgresSchedules::insert(Schedule schedule) {
    co_return one(co_await pool_.run(sql_.insert(schedule)), read_schedule, Errc::fn_not_found);
}

Task<Result<Schedule>> PostgresSchedules::update(std::string id, SchedulePatch patch) {
    for (int tries = 0; tries < update_tries_max; ++tries) {
        const auto found =
            one(co_await pool_.run(sql_.find(id)), read_schedule, Errc::schedule_not_found);
        if (!found) co_return fail(found.error());
        auto merged = apply(*found, patch, clock_.now());
        if (!merged || *merged == *found) co_return merged;
        const auto updated = co_await pool_.run(sql_.update(*merged, found->rev));
        if (!updated) co_return fail(to_error(updated.error()));
        if (!updated->front().empty()) co_return merged;
    }
    co_return fail(Errc::store_unavailable, {}, "the schedule is changed all the time");
}

Task<Result<void>> PostgresSchedules::remove(std::string id) {
    const auto outcome = co_await pool_.run(sql_.remove(id), Repeat::never);
    if (!outcome) co_return fail(to_error(outcome.error()));
    if (outcome->front().empty()) co_return fail(Errc::schedule_not_found);
    co_return Result<void>{};
}

Task<Result<DueSchedules>> PostgresSchedules::list_due(DueCursor after, int items_max) {
    const auto now = clock_.now();
    std::vector<Step> steps;
    steps.push_back(sql_.list_due(after, items_max, now));
    steps.push_back(sql_.find_next(now));
    const auto outcome = co_await pool_.run(std::move(steps));
    if (!outcome) co_return fail(to_error(outcome.error()));
    DueSchedules found{.due = outcome->front().each(read_schedule), .next_in = {}};
    auto next = outcome->at(1).front();
    if (const auto next_at = next.optional_time()) found.next_in = *next_at - now;
    co_return found;
}

Task<Result<std::vector<bool>>> PostgresSchedules::fire(std::vector<Firing> firings) {
    const auto outcome = co_await pool_.run(sql_.fire(firings, accept_, clock_.now()));
    if (!outcome) co_return fail(to_error(outcome.error(), Errc::outcome_unknown));
    std::set<std::string> fired;
    const auto& rows = outcome->back();
    for (int i = 0; i < rows.size(); ++i) fired.insert(rows.at(i).text());
    std::vector<bool> done;
    for (const auto& firing : firings) done.push_back(fired.contains(firing.schedule_id));
    co_return done;
}

}  // namespace stoker::postgres
