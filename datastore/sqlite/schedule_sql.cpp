#include "datastore/sqlite/schedule_sql.hpp"

#include <fmt/format.h>

#include "datastore/sqlite/query.hpp"
#include "model/json.hpp"

namespace stoker::sqlite {

namespace {

constexpr std::string_view columns =
    "id, app_id, fn_id, name, cron, time_zone, missed, paused, headers, content_type, body, "
    "next_at, last_at, last_call_id, rev, created_at, updated_at";

std::string select(std::string_view which) {
    return fmt::format("SELECT {} FROM schedules WHERE {}", columns, which);
}

Schedule read_schedule(Query& row) {
    Schedule schedule;
    schedule.id = row.text();
    schedule.app_id = row.text();
    schedule.fn_id = row.text();
    schedule.name = row.text();
    schedule.cron = row.text();
    schedule.time_zone = row.text();
    schedule.missed = parse_missed_rule(row.text()).value_or(MissedRule::once);
    schedule.paused = row.number<int>() != 0;
    schedule.headers = headers_from_text(row.text());
    schedule.content_type = row.text();
    schedule.body = row.text();
    schedule.next_at = row.optional_time();
    schedule.last_at = row.optional_time();
    schedule.last_call_id = row.text();
    schedule.rev = row.number();
    schedule.created_at = row.time();
    schedule.updated_at = row.time();
    return schedule;
}

}  // namespace

ScheduleReads::ScheduleReads(SQLite::Database& db) :
    list_(
        db,
        select("id > ?1 AND (?2 = '' OR app_id = ?2) AND (?3 = '' OR fn_id = ?3)"
               " ORDER BY id LIMIT ?4")
    ),
    find_(db, select("id = ?1")),
    list_due_(
        db, select("next_at <= ?1 AND (next_at, id) > (?2, ?3) ORDER BY next_at, id LIMIT ?4")
    ),
    find_next_(db, "SELECT min(next_at) FROM schedules WHERE next_at > ?1") {}

std::vector<Schedule> ScheduleReads::list(const ScheduleFilter& filter, const Page& page) {
    std::vector<Schedule> found;
    Query row(list_, page.after, filter.app_id, filter.fn_id, page.items_max);
    while (row.next()) found.push_back(read_schedule(row));
    return found;
}

std::optional<Schedule> ScheduleReads::find(const std::string& id) {
    Query row(find_, id);
    if (!row.next()) return std::nullopt;
    return read_schedule(row);
}

DueSchedules ScheduleReads::list_due(const DueCursor& after, int items_max, WallTime now) {
    DueSchedules found;
    {
        Query row(list_due_, now, after.next_at, after.id, items_max);
        while (row.next()) found.due.push_back(read_schedule(row));
    }
    Query row(find_next_, now);
    if (!row.next()) return found;
    if (const auto next_at = row.optional_time()) found.next_in = *next_at - now;
    return found;
}

ScheduleWrites::ScheduleWrites(SQLite::Database& db) :
    reads_(db),
    find_app_of_fn_(db, "SELECT app_id FROM fns WHERE id = ?1"),
    insert_(
        db,
        fmt::format(
            "INSERT INTO schedules({}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            columns
        )
    ),
    update_(
        db,
        "UPDATE schedules SET name = ?2, cron = ?3, time_zone = ?4, missed = ?5, paused = ?6,"
        " headers = ?7, content_type = ?8, body = ?9, next_at = ?10, rev = ?11, updated_at = ?12"
        " WHERE id = ?1"
    ),
    remove_(db, "DELETE FROM schedules WHERE id = ?1"),
    remove_of_fn_(db, "DELETE FROM schedules WHERE fn_id = ?1"),
    remove_of_app_(db, "DELETE FROM schedules WHERE app_id = ?1"),
    may_fire_(db, "SELECT 1 FROM schedules WHERE id = ?1 AND rev = ?2"),
    is_fired_by_(db, "SELECT 1 FROM schedules WHERE id = ?1 AND last_call_id = ?2"),
    move_on_(
        db,
        "UPDATE schedules SET next_at = ?2, last_at = coalesce(?3, last_at),"
        " last_call_id = coalesce(nullif(?4, ''), last_call_id), rev = rev + 1 WHERE id = ?1"
    ) {}

Result<Schedule> ScheduleWrites::insert(Schedule schedule) {
    {
        Query app(find_app_of_fn_, schedule.fn_id);
        if (!app.next()) return fail(Errc::fn_not_found);
        schedule.app_id = app.text();
    }
    if (auto found = reads_.find(schedule.id)) return std::move(*found);
    change(
        insert_,
        schedule.id,
        schedule.app_id,
        schedule.fn_id,
        schedule.name,
        schedule.cron,
        schedule.time_zone,
        to_word(schedule.missed),
        schedule.paused ? 1 : 0,
        dump(schedule.headers),
        schedule.content_type,
        Bytes{schedule.body},
        schedule.next_at,
        schedule.last_at,
        schedule.last_call_id,
        schedule.rev,
        schedule.created_at,
        schedule.updated_at
    );
    return schedule;
}

Result<Schedule> ScheduleWrites::update(
    const std::string& id, const SchedulePatch& patch, WallTime now
) {
    const auto found = reads_.find(id);
    if (!found) return fail(Errc::schedule_not_found);
    auto merged = apply(*found, patch, now);
    if (!merged || *merged == *found) return merged;
    change(
        update_,
        merged->id,
        merged->name,
        merged->cron,
        merged->time_zone,
        to_word(merged->missed),
        merged->paused ? 1 : 0,
        dump(merged->headers),
        merged->content_type,
        Bytes{merged->body},
        merged->next_at,
        merged->rev,
        merged->updated_at
    );
    return merged;
}

Result<void> ScheduleWrites::remove(const std::string& id) {
    if (change(remove_, id) == 0) return fail(Errc::schedule_not_found);
    return {};
}

void ScheduleWrites::remove_of_fn(const std::string& fn_id) { change(remove_of_fn_, fn_id); }
void ScheduleWrites::remove_of_app(const std::string& app_id) { change(remove_of_app_, app_id); }

bool ScheduleWrites::may_fire(const Firing& firing) {
    return has_row(may_fire_, firing.schedule_id, firing.rev);
}

bool ScheduleWrites::is_fired_by(const Firing& firing) {
    const auto last = firing.last_call_id();
    return !last.empty() && has_row(is_fired_by_, firing.schedule_id, last);
}

void ScheduleWrites::move_on(const Firing& firing) {
    change(move_on_, firing.schedule_id, firing.next_at, firing.last_at, firing.last_call_id());
}

}  // namespace stoker::sqlite
