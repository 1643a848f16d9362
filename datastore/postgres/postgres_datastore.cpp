#include "datastore/postgres/postgres_datastore.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <random>

#include "datastore/postgres/answers.hpp"
#include "datastore/postgres/migrations.hpp"
#include "datastore/postgres/session.hpp"
#include "datastore/stored_rows.hpp"

namespace stoker {

namespace {

using namespace postgres;

constexpr auto read_fn = stored::read_fn<Row>;
constexpr auto read_moved = stored::read_moved<Row>;

/// How often an update that was overtaken by another begins anew.
constexpr int update_tries_max = 5;

/// A statement ends before its caller gives up, so that "unknown" stays rare. The planner's figures
/// about tables whose rows come and go are always old: every statement here has an index to walk,
/// and is told to.
constexpr auto setup_sql =
    "SET statement_timeout = '4s'; SET idle_in_transaction_session_timeout = '10s';"
    " SET client_encoding = 'UTF8'; SET default_transaction_isolation = 'read committed';"
    " SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off";

std::string random_word() {
    std::random_device random;
    return fmt::format("{:08x}{:08x}", random(), random());
}

Pool::Options pool_options(const PostgresOptions& options) {
    Pool::Options pool;
    pool.connections = options.connections;
    pool.connection.setup_sql = setup_sql;
    pool.connection.jobs_max = options.jobs_per_connection;
    return pool;
}

App only_app(Row& row) { return read_stored_app(row).app; }

/// The rows of the two steps from `first` on that cancel what waits.
std::vector<MovedCall> cancelled_of(const Answer& answer, std::size_t first) {
    auto moved = answer.at(first).each(read_moved);
    std::ranges::move(answer.at(first + 1).each(read_moved), std::back_inserter(moved));
    return moved;
}

}  // namespace

Result<std::unique_ptr<Datastore>> PostgresDatastore::open(
    PostgresOptions options, const Clock& clock, Metrics& metrics
) {
    auto target = parse_target(options.url);
    if (!target) return fail(std::move(target.error()));
    auto session = Session::open(*target);
    if (!session) return fail(std::move(session.error()));
    if (auto checked = check_server(*session); !checked) return fail(std::move(checked.error()));
    if (auto migrated = migrate(*session); !migrated) return fail(std::move(migrated.error()));
    return std::unique_ptr<Datastore>(
        new PostgresDatastore(std::move(options), std::move(*target), clock, metrics)
    );
}

PostgresDatastore::PostgresDatastore(
    PostgresOptions options, Target target, const Clock& clock, Metrics& metrics
) :
    options_(std::move(options)),
    clock_(clock),
    life_(random_word()),
    pool_(std::move(target), pool_options(options_), metrics),
    accepts_(pool_, accept_, {}),
    finishes_(pool_, finish_, {}),
    lost_claims_(pool_, calls_, clock),
    schedules_(pool_, schedule_sql_, accept_, clock) {
    pool_.on_return([this] { beats_.start_anew(); });
    pool_.start();
}

Task<Result<std::vector<App>>> PostgresDatastore::list_apps(AppFilter filter, Page page) {
    co_return all(co_await pool_.run(catalog_.list_apps(filter, page)), only_app);
}

Task<Result<App>> PostgresDatastore::get_app(std::string id) {
    co_return one(co_await pool_.run(catalog_.find_app(id)), only_app, Errc::app_not_found);
}

Task<Result<App>> PostgresDatastore::insert_app(App app) {
    std::vector<Step> steps;
    steps.push_back(catalog_.insert_app(app));
    steps.push_back(catalog_.find_app_named(app.name));
    const auto outcome = co_await pool_.run(std::move(steps));
    if (!outcome) co_return fail(to_error(outcome.error()));
    const auto named = outcome->at(1).each(only_app);
    if (named.empty() || named.front().id != app.id) {
        co_return fail(Errc::conflict, "App already exists");
    }
    co_return named.front();
}

Task<Result<App>> PostgresDatastore::update_app(std::string id, AppPatch patch) {
    for (int tries = 0; tries < update_tries_max; ++tries) {
        const auto found =
            one(co_await pool_.run(catalog_.find_app(id)), read_stored_app, Errc::app_not_found);
        if (!found) co_return fail(found.error());
        auto merged = apply(found->app, patch, clock_.now());
        if (!merged || *merged == found->app) co_return merged;
        const auto updated = co_await pool_.run(catalog_.update_app(*merged, found->rev));
        if (!updated) co_return fail(to_error(updated.error()));
        if (!updated->front().empty()) co_return merged;
    }
    co_return fail(Errc::store_unavailable, {}, "the app is changed all the time");
}

Task<Result<std::vector<MovedCall>>> PostgresDatastore::delete_app(std::string id) {
    const auto now = clock_.now();
    std::vector<Step> steps;
    steps.push_back(catalog_.lock_app(id));
    steps.push_back(catalog_.lock_fns_of_app(id));
    std::ranges::move(sweeps_.cancel_waiting_of_app(id, now), std::back_inserter(steps));
    steps.push_back(schedule_sql_.remove_of_app(id));
    steps.push_back(catalog_.remove_fns_of_app(id));
    steps.push_back(catalog_.remove_app(id));
    const auto outcome = co_await pool_.run(std::move(steps), Repeat::never);
    if (!outcome) co_return fail(to_error(outcome.error()));
    if (outcome->front().empty()) co_return fail(Errc::app_not_found);
    co_return cancelled_of(*outcome, 2);
}

Task<Result<std::vector<Fn>>> PostgresDatastore::list_fns(FnFilter filter, Page page) {
    co_return all(co_await pool_.run(catalog_.list_fns(filter, page)), read_fn);
}

Task<Result<Fn>> PostgresDatastore::get_fn(std::string id) {
    co_return one(co_await pool_.run(catalog_.find_fn(id)), read_fn, Errc::fn_not_found);
}

Task<Result<Fn>> PostgresDatastore::insert_fn(Fn fn) {
    std::vector<Step> steps;
    steps.push_back(catalog_.insert_fn(fn));
    steps.push_back(catalog_.find_app(fn.app_id));
    steps.push_back(catalog_.find_fn_named(fn.app_id, fn.name));
    const auto outcome = co_await pool_.run(std::move(steps));
    if (!outcome) co_return fail(to_error(outcome.error()));
    if (outcome->at(1).empty()) co_return fail(Errc::app_not_found);
    const auto named = outcome->at(2).each(read_fn);
    if (named.empty() || named.front().id != fn.id) {
        co_return fail(Errc::conflict, "Fn with specified name already exists");
    }
    co_return named.front();
}

Task<Result<Fn>> PostgresDatastore::update_fn(std::string id, FnPatch patch) {
    for (int tries = 0; tries < update_tries_max; ++tries) {
        const auto found =
            one(co_await pool_.run(catalog_.find_fn(id)), read_fn, Errc::fn_not_found);
        if (!found) co_return fail(found.error());
        auto merged = apply(*found, patch, clock_.now());
        if (!merged || *merged == *found) co_return merged;
        const auto updated = co_await pool_.run(catalog_.update_fn(*merged, found->rev));
        if (!updated) co_return fail(to_error(updated.error()));
        if (!updated->front().empty()) co_return merged;
    }
    co_return fail(Errc::store_unavailable, {}, "the fn is changed all the time");
}

Task<Result<std::vector<MovedCall>>> PostgresDatastore::delete_fn(std::string id) {
    const auto now = clock_.now();
    std::vector<Step> steps;
    steps.push_back(catalog_.remove_fn(id));
    std::ranges::move(sweeps_.cancel_waiting_of_fn(id, now), std::back_inserter(steps));
    steps.push_back(schedule_sql_.remove_of_fn(id));
    const auto outcome = co_await pool_.run(std::move(steps), Repeat::never);
    if (!outcome) co_return fail(to_error(outcome.error()));
    if (outcome->front().empty()) co_return fail(Errc::fn_not_found);
    co_return cancelled_of(*outcome, 1);
}

Task<Result<Fn>> PostgresDatastore::set_paused(std::string id, bool paused) {
    std::vector<Step> steps;
    steps.push_back(catalog_.set_paused(id, paused));
    steps.push_back(catalog_.find_fn(id));
    const auto outcome = co_await pool_.run(std::move(steps));
    if (!outcome) co_return fail(to_error(outcome.error()));
    if (outcome->back().empty()) co_return fail(Errc::fn_not_found);
    auto row = outcome->back().front();
    co_return read_fn(row);
}

Task<Result<Fn>> PostgresDatastore::pause_fn(std::string id) {
    co_return co_await set_paused(std::move(id), true);
}

/// What is not freed in time is put like every call that a queue has lost.
Task<Result<Fn>> PostgresDatastore::resume_fn(std::string id) {
    const auto deadline = deadline_in(operation_time_max);
    auto resumed = co_await set_paused(id, false);
    while (resumed && !has_passed(deadline)) {
        const auto freed = co_await pool_.run(sweeps_.free_held(id));
        if (!freed) co_return fail(to_error(freed.error()));
        if (freed->front().size() < SweepSql::moved_max) break;
    }
    co_return resumed;
}

/// Page by page. Who is told that it took too long can ask again.
Task<Result<std::vector<MovedCall>>> PostgresDatastore::purge_fn(std::string id) {
    const auto deadline = deadline_in(operation_time_max);
    if (auto found = co_await get_fn(id); !found) co_return fail(std::move(found.error()));
    std::vector<MovedCall> cancelled;
    for (;;) {
        auto steps = sweeps_.cancel_waiting_of_fn(id, clock_.now(), SweepSql::moved_max);
        const auto outcome = co_await pool_.run(std::move(steps));
        if (!outcome) co_return fail(to_error(outcome.error()));
        std::ranges::move(cancelled_of(*outcome, 0), std::back_inserter(cancelled));
        const auto is_full = [](const Rows& page) { return page.size() >= SweepSql::moved_max; };
        if (std::ranges::none_of(*outcome, is_full)) co_return cancelled;
        if (has_passed(deadline)) co_return fail(Errc::store_unavailable, {}, "not all in time");
    }
}

Task<Result<std::vector<FnSpecRef>>> PostgresDatastore::list_warm_fns() {
    co_return all(co_await pool_.run(catalog_.list_warm_fns()), read_warm_fn);
}

Task<Result<void>> PostgresDatastore::register_worker(
    std::string worker_id, std::string host, Millis lease
) {
    const auto outcome = co_await pool_.run(sweeps_.register_worker(worker_id, host, lease));
    const auto beat = one(outcome, read_beat, Errc::conflict);
    if (beat) {
        beats_.saw(*beat, clock_.monotonic());
        co_return Result<void>{};
    }
    if (beat.error().code != Errc::conflict) co_return fail(beat.error());
    co_return fail(Errc::conflict, "this worker was declared dead: register with a new id");
}

Task<Result<Heartbeat>> PostgresDatastore::heartbeat(std::string worker_id, Millis lease) {
    const auto outcome = co_await pool_.run(sweeps_.heartbeat(worker_id, lease));
    if (!outcome) co_return fail(to_error(outcome.error()));
    Heartbeat heartbeat;
    const auto beats = outcome->front().each(read_beat);
    if (beats.empty()) co_return heartbeat;
    beats_.saw(beats.front(), clock_.monotonic());
    heartbeat.alive = true;
    heartbeat.cancel_calls = outcome->at(1).each([](Row& row) { return row.text(); });
    co_return heartbeat;
}

Task<Result<void>> PostgresDatastore::describe_worker(
    std::string worker_id, WorkerProfile profile
) {
    const auto outcome = co_await pool_.run(sweeps_.describe_worker(worker_id, dump(profile)));
    if (!outcome) co_return fail(to_error(outcome.error()));
    co_return Result<void>{};
}

Task<Result<std::vector<KnownWorker>>> PostgresDatastore::list_workers() {
    co_return all(co_await pool_.run(sweeps_.list_workers()), read_worker);
}

Task<Result<void>> PostgresDatastore::remove_worker(std::string worker_id) {
    const auto outcome = co_await pool_.run(sweeps_.remove_worker(worker_id));
    if (!outcome) co_return fail(to_error(outcome.error()));
    co_return Result<void>{};
}

Task<Result<std::vector<MovedCall>>> PostgresDatastore::sweep_lost(Millis grace) {
    const auto beats = all(co_await pool_.run(sweeps_.list_beats()), read_beat);
    if (!beats) co_return fail(beats.error());
    const auto silent = beats_.silent(*beats, clock_.monotonic(), grace);
    if (!silent.empty()) {
        const auto told = co_await pool_.run(sweeps_.declare_dead(silent, clock_.now()));
        if (!told) co_return fail(to_error(told.error()));
    }
    co_return co_await move_lost();
}

Task<Result<std::vector<MovedCall>>> PostgresDatastore::recover_all() {
    const auto forgotten = co_await pool_.run(sweeps_.forget_workers());
    if (!forgotten) co_return fail(to_error(forgotten.error()));
    co_return co_await move_lost();
}

/// Page by page. What a failure leaves is moved by the next sweep; what was moved before it is
/// told.
Task<Result<std::vector<MovedCall>>> PostgresDatastore::move_lost() {
    const auto deadline = deadline_in(operation_time_max);
    std::vector<MovedCall> moved;
    for (;;) {
        auto page = all(co_await pool_.run(sweeps_.move_lost(clock_.now())), read_moved);
        if (!page && moved.empty()) co_return page;
        if (!page) co_return moved;
        const bool is_last = std::cmp_less(page->size(), SweepSql::moved_max);
        std::ranges::move(*page, std::back_inserter(moved));
        if (is_last || has_passed(deadline)) co_return moved;
    }
}

std::string PostgresDatastore::unhealthy_reason() const {
    if (pool_.is_closed()) return "the datastore is closed";
    return pool_.unhealthy_reason();
}

void PostgresDatastore::close() { pool_.close(); }

}  // namespace stoker
