#include "datastore/postgres/schedule_sql.hpp"

#include <fmt/format.h>

#include "model/json.hpp"

namespace stoker::postgres {

namespace {

constexpr std::string_view columns =
    "id, app_id, fn_id, name, cron, time_zone, missed, paused, headers, content_type, body, "
    "next_at, last_at, last_call_id, rev, created_at, updated_at";

std::string select(std::string_view which) {
    return fmt::format("SELECT {} FROM schedules WHERE {}", columns, which);
}

}  // namespace

Schedule read_schedule(Row& row) {
    Schedule schedule;
    schedule.id = row.text();
    schedule.app_id = row.text();
    schedule.fn_id = row.text();
    schedule.name = row.text();
    schedule.cron = row.text();
    schedule.time_zone = row.text();
    schedule.missed = parse_missed_rule(row.text()).value_or(MissedRule::once);
    schedule.paused = row.flag();
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

// Locks are taken in one order everywhere, apps before fns before schedules, and each by id:
// whoever deletes a fn waits for a firing of its schedules, and finds the calls that it made.
ScheduleSql::ScheduleSql() :
    list_{
        "list_schedules",
        select("id > $1::text AND ($2::text = '' OR app_id = $2) AND ($3::text = '' OR fn_id = $3)"
               " ORDER BY id LIMIT $4::bigint")
    },
    find_{"find_schedule", select("id = $1::text")},
    insert_{
        "insert_schedule",
        fmt::format(
            "INSERT INTO schedules({}) SELECT $1::text, app_id, id, $3::text, $4::text, $5::text,"
            " $6::text, $7::boolean, $8::bytea, $9::text, $10::bytea, $11::bigint, $12::bigint,"
            " $13::text, $14::bigint, $15::bigint, $16::bigint"
            " FROM (SELECT id, app_id FROM fns WHERE id = $2::text FOR KEY SHARE) AS fn"
            " ON CONFLICT(id) DO UPDATE SET id = excluded.id RETURNING {}",
            columns,
            "schedules.id, schedules.app_id, schedules.fn_id, schedules.name, schedules.cron,"
            " schedules.time_zone, schedules.missed, schedules.paused, schedules.headers,"
            " schedules.content_type, schedules.body, schedules.next_at, schedules.last_at,"
            " schedules.last_call_id, schedules.rev, schedules.created_at, schedules.updated_at"
        )
    },
    update_{
        "update_schedule",
        "UPDATE schedules SET name = $2::text, cron = $3::text, time_zone = $4::text,"
        " missed = $5::text, paused = $6::boolean, headers = $7::bytea, content_type = $8::text,"
        " body = $9::bytea, next_at = $10::bigint, rev = $11::bigint, updated_at = $12::bigint"
        " WHERE id = $1::text AND rev = $13::bigint RETURNING id"
    },
    remove_{"remove_schedule", "DELETE FROM schedules WHERE id = $1::text RETURNING id"},
    remove_of_fn_{"remove_schedules_of_fn", "DELETE FROM schedules WHERE fn_id = $1::text"},
    remove_of_app_{"remove_schedules_of_app", "DELETE FROM schedules WHERE app_id = $1::text"},
    list_due_{
        "list_due_schedules",
        select("next_at <= $1::bigint AND (next_at, id) > ($2::bigint, $3::text)"
               " ORDER BY next_at, id LIMIT $4::bigint")
    },
    find_next_{
        "find_next_schedule", "SELECT min(next_at) FROM schedules WHERE next_at > $1::bigint"
    },
    lock_fns_{
        "lock_fns_of_schedules",
        "SELECT id FROM fns WHERE id = ANY($1::text[]) ORDER BY id FOR KEY SHARE"
    },
    lock_{
        "lock_schedules",
        "SELECT id FROM schedules WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE"
    },
    move_on_{
        "move_schedules_on",
        "UPDATE schedules s SET next_at = g.next_at, last_at = coalesce(g.last_at, s.last_at),"
        " last_call_id = coalesce(nullif(g.last_call_id, ''), s.last_call_id), rev = s.rev + 1"
        " FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])"
        " AS g(id, rev, next_at, last_at, last_call_id)"
        " WHERE s.id = ANY($1) AND s.id = g.id AND s.rev = g.rev"
    },
    list_fired_{
        "list_fired",
        "SELECT s.id FROM schedules s JOIN unnest($1::text[], $2::text[]) AS g(id, last_call_id)"
        " ON s.id = g.id AND s.last_call_id = g.last_call_id WHERE s.id = ANY($1)"
    } {}

Step ScheduleSql::list(const ScheduleFilter& filter, const Page& page) const {
    return step(list_, page.after, filter.app_id, filter.fn_id, page.items_max);
}

Step ScheduleSql::find(const std::string& id) const { return step(find_, id); }

Step ScheduleSql::insert(const Schedule& schedule) const {
    return step(
        insert_,
        schedule.id,
        schedule.fn_id,
        schedule.name,
        schedule.cron,
        schedule.time_zone,
        to_word(schedule.missed),
        schedule.paused,
        Bytes{dump(schedule.headers)},
        schedule.content_type,
        Bytes{schedule.body},
        schedule.next_at,
        schedule.last_at,
        schedule.last_call_id,
        schedule.rev,
        schedule.created_at,
        schedule.updated_at
    );
}

Step ScheduleSql::update(const Schedule& schedule, std::int64_t rev_before) const {
    return step(
        update_,
        schedule.id,
        schedule.name,
        schedule.cron,
        schedule.time_zone,
        to_word(schedule.missed),
        schedule.paused,
        Bytes{dump(schedule.headers)},
        schedule.content_type,
        Bytes{schedule.body},
        schedule.next_at,
        schedule.rev,
        schedule.updated_at,
        rev_before
    );
}

Step ScheduleSql::remove(const std::string& id) const { return step(remove_, id); }
Step ScheduleSql::remove_of_fn(const std::string& fn_id) const {
    return step(remove_of_fn_, fn_id);
}
Step ScheduleSql::remove_of_app(const std::string& app_id) const {
    return step(remove_of_app_, app_id);
}

Step ScheduleSql::list_due(const DueCursor& after, int items_max, WallTime now) const {
    return step(list_due_, now, after.next_at, after.id, items_max);
}

Step ScheduleSql::find_next(WallTime now) const { return step(find_next_, now); }

std::vector<Step> ScheduleSql::fire(
    const std::vector<Firing>& firings, const AcceptSql& accept, WallTime now
) const {
    using enum Column::Of;
    std::vector<std::string> ids;
    std::vector<std::string> fns;
    std::vector<ScheduledCall> calls;
    Table moved{text, number, number, number, text};
    Table fired{text, text};
    for (const auto& firing : firings) {
        const auto last = firing.last_call_id();
        ids.push_back(firing.schedule_id);
        moved.add_row(firing.schedule_id, firing.rev, firing.next_at, firing.last_at, last);
        if (firing.calls.empty()) continue;
        fired.add_row(firing.schedule_id, last);
        fns.push_back(firing.calls.front().call.fn_id);
        for (const auto& call : firing.calls) {
            calls.push_back({{call, dump(call.request.headers), now}, firing.schedule_id, last});
        }
    }
    std::vector<Step> steps;
    steps.push_back(step(lock_fns_, fns));
    steps.push_back(step(lock_, ids));
    steps.push_back(step(move_on_, moved));
    steps.push_back(accept.of_schedules(fns, calls));
    steps.push_back(step(list_fired_, fired));
    return steps;
}

}  // namespace stoker::postgres
