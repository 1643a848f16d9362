#include "datastore/sqlite/sqlite_schedules.hpp"

#include "model/json.hpp"

namespace stoker::sqlite {

namespace {

/// With its calls' headers as JSON text, made on the caller's thread.
struct FiringJob {
    Firing firing;
    std::vector<std::string> headers;
};

std::vector<FiringJob> jobs_of(std::vector<Firing> firings) {
    std::vector<FiringJob> jobs;
    jobs.reserve(firings.size());
    for (auto& firing : firings) {
        FiringJob job{std::move(firing), {}};
        for (const auto& call : job.firing.calls) job.headers.push_back(dump(call.request.headers));
        jobs.push_back(std::move(job));
    }
    return jobs;
}

/// The calls come first: only the first of them can be refused, and then nothing has changed.
Result<bool> fire_one(Writer& writer, const FiringJob& job) {
    const auto& firing = job.firing;
    if (!writer.schedules().may_fire(firing)) return writer.schedules().is_fired_by(firing);
    for (std::size_t i = 0; i < firing.calls.size(); ++i) {
        const auto accepted = writer.calls().accept(firing.calls[i], job.headers[i], writer.now());
        if (!accepted) return fail(accepted.error());
    }
    writer.schedules().move_on(firing);
    return true;
}

}  // namespace

bool SqliteSchedules::has_room() const {
    return engine_.space().state() == DiskSpace::State::enough;
}

Task<Result<std::vector<Schedule>>> SqliteSchedules::list(ScheduleFilter filter, Page page) {
    auto work = [filter = std::move(filter), page = std::move(page)](Reader& reader) {
        return Result<std::vector<Schedule>>(reader.schedules().list(filter, page));
    };
    co_return co_await engine_.read(std::move(work));
}

Task<Result<Schedule>> SqliteSchedules::get(std::string id) {
    auto work = [id = std::move(id)](Reader& reader) -> Result<Schedule> {
        auto found = reader.schedules().find(id);
        if (!found) return fail(Errc::schedule_not_found);
        return std::move(*found);
    };
    co_return co_await engine_.read(std::move(work));
}

Task<Result<Schedule>> SqliteSchedules::insert(Schedule schedule) {
    auto work = [this, schedule = std::move(schedule)](Writer& writer) -> Result<Schedule> {
        if (!has_room()) return fail(Errc::store_full);
        return writer.schedules().insert(schedule);
    };
    co_return co_await engine_.write(std::move(work));
}

Task<Result<Schedule>> SqliteSchedules::update(std::string id, SchedulePatch patch) {
    auto work = [id = std::move(id), patch = std::move(patch)](Writer& writer) {
        return writer.schedules().update(id, patch, writer.now());
    };
    co_return co_await engine_.write(std::move(work));
}

Task<Result<void>> SqliteSchedules::remove(std::string id) {
    auto work = [id = std::move(id)](Writer& writer) { return writer.schedules().remove(id); };
    co_return co_await engine_.write(std::move(work));
}

Task<Result<DueSchedules>> SqliteSchedules::list_due(DueCursor after, int items_max) {
    const auto now = engine_.writer().now();
    auto work = [after = std::move(after), items_max, now](Reader& reader) {
        return Result<DueSchedules>(reader.schedules().list_due(after, items_max, now));
    };
    co_return co_await engine_.read(std::move(work));
}

Task<Result<std::vector<bool>>> SqliteSchedules::fire(std::vector<Firing> firings) {
    auto work = [this,
                 jobs = jobs_of(std::move(firings))](Writer& writer) -> Result<std::vector<bool>> {
        if (!has_room()) return fail(Errc::store_full);
        std::vector<bool> done;
        for (const auto& job : jobs) done.push_back(fire_one(writer, job).value_or(false));
        return done;
    };
    co_return co_await engine_.write(std::move(work), Errc::outcome_unknown);
}

}  // namespace stoker::sqlite
