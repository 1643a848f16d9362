#include "datastore/postgres/pool.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker::postgres {

namespace {

constexpr std::chrono::seconds tick_pause{1};
constexpr int deadlocks_max = 5;

/// One of two transactions that waited for each other was taken back; it may simply try again.
bool is_deadlock(const Failure& failure) {
    return failure.sqlstate == "40P01" || failure.sqlstate == "40001";
}

/// The server does not write (a standby), or is on its way down or up.
bool is_away(const Failure& failure) {
    return failure.sqlstate == "25006" || failure.sqlstate.starts_with("57P0");
}

}  // namespace

Pool::Pool(Target target, Options options, Metrics& metrics) :
    target_(std::move(target)),
    options_(std::move(options)),
    jobs_(metrics.counter(
        "stoker_postgres_jobs_total",
        "Transactions the server has answered",
        {{"pool", options_.name}}
    )),
    lost_(metrics.counter(
        "stoker_postgres_connections_lost_total",
        "Connections that broke or could not be made",
        {{"pool", options_.name}}
    )) {
    Connection::Owner& owner = *this;
    for (std::size_t i = 0; i < options_.connections; ++i) {
        connections_.push_back(std::make_unique<Connection>(target_, options_.connection, owner));
    }
    metrics.gauge(
        "stoker_postgres_connections",
        "Connections to the server",
        [open = open_connections_] { return static_cast<double>(open->load()); },
        {{"pool", options_.name}}
    );
}

void Pool::start() {
    for (auto& connection : connections_) connection->start(lanes_.at(0));
    spawn(lanes_.at(0), "postgres.tick", tick());
    lanes_.start();
}

Task<Outcome> Pool::run(Step step, Repeat repeat) {
    std::vector<Step> steps;
    steps.push_back(std::move(step));
    co_return co_await run(std::move(steps), repeat);
}

Task<Outcome> Pool::run(std::vector<Step> steps, Repeat repeat) {
    const auto deadline = deadline_in(operation_time_max);
    const OneShot<std::shared_ptr<Outcome>> answered(co_await asio::this_coro::executor);
    auto job = std::make_unique<Job>();
    job->steps = std::move(steps);
    job->repeat = repeat;
    job->give_up = deadline;
    job->done = [answered](Outcome outcome) {
        answered.set(std::make_shared<Outcome>(std::move(outcome)));
    };
    submit(std::move(job));
    auto outcome = co_await answered.wait(deadline);
    if (outcome) co_return std::move(**outcome);
    auto why = unhealthy_reason();
    if (why.empty()) why = "no answer in time";
    co_return std::unexpected(Failure{Failure::Kind::unknown, {}, std::move(why)});
}

void Pool::submit(JobRef job) {
    auto shared = std::make_shared<JobRef>(std::move(job));
    post([this, shared] {
        if (closing_ && told_idle_) {
            return fail(std::move(*shared), Failure::Kind::not_done, "the datastore is closed");
        }
        if (waiting_.size() >= options_.waiting_jobs_max) {
            return fail(std::move(*shared), Failure::Kind::not_done, "too much waits for it");
        }
        waiting_.push_back(std::move(*shared));
    });
}

void Pool::post(std::move_only_function<void()> work) {
    {
        const std::scoped_lock lock(inbox_mutex_);
        if (!is_shut_) {
            inbox_.push_back(std::move(work));
            if (inbox_.size() == 1) asio::post(lanes_.at(0), [this] { take_inbox(); });
            return;
        }
    }
    work();
}

void Pool::take_inbox() {
    std::vector<std::move_only_function<void()>> taken;
    {
        const std::scoped_lock lock(inbox_mutex_);
        taken.swap(inbox_);
    }
    for (auto& work : taken) work();
    dispatch();
}

bool Pool::has_room() const {
    return waiting_.empty() &&
           std::ranges::any_of(connections_, [](const auto& each) { return each->has_room(); });
}

bool Pool::is_own_process(int process_id) const {
    return std::ranges::any_of(connections_, [&](const auto& each) {
        return each->process_id() == process_id;
    });
}

Connection* Pool::least_busy() {
    Connection* best = nullptr;
    for (auto& each : connections_) {
        if (!each->has_room()) continue;
        if (best == nullptr || each->jobs() < best->jobs()) best = each.get();
    }
    return best;
}

void Pool::enqueue(JobRef job) {
    waiting_.push_back(std::move(job));
    send_waiting();
}

void Pool::send_waiting() {
    const auto now = std::chrono::steady_clock::now();
    while (!waiting_.empty()) {
        if (waiting_.front()->give_up <= now) {
            fail(std::move(waiting_.front()), Failure::Kind::not_done, unhealthy_reason());
            waiting_.pop_front();
            continue;
        }
        auto* const connection = least_busy();
        if (connection == nullptr) break;
        auto job = std::move(waiting_.front());
        waiting_.pop_front();
        connection->send(std::move(job));
    }
}

void Pool::dispatch() {
    send_waiting();
    for (auto& hook : room_hooks_) hook();
    end_if_idle();
}

void Pool::has_room(Connection&) {
    note_health({});
    dispatch();
}

void Pool::done(JobRef job) {
    jobs_.add();
    if (!job->failure) {
        job->done(std::move(job->answer));
        return;
    }
    const auto& failure = *job->failure;
    const bool again = (is_deadlock(failure) && ++job->deadlocks <= deadlocks_max) ||
                       (is_away(failure) && job->repeat == Repeat::until_done);
    if (again && !has_passed(job->give_up)) {
        job->start_anew();
        waiting_.push_back(std::move(job));
        return;
    }
    job->done(std::unexpected(std::move(*job->failure)));
}

void Pool::broke(const std::string& why, std::vector<JobRef> unfinished) {
    if (!closing_) {
        lost_.add();
        note_health(why);
    }
    for (auto& job : unfinished) {
        const bool again =
            job->repeat == Repeat::until_done && !has_passed(job->give_up) && !told_idle_;
        if (!again) {
            fail(std::move(job), Failure::Kind::unknown, why);
            continue;
        }
        job->start_anew();
        waiting_.push_back(std::move(job));
    }
    dispatch();
}

void Pool::noticed(Notice notice) {
    if (notice_hook_) notice_hook_(std::move(notice));
}

/// `why` is of a connection that broke; empty when one was made.
void Pool::note_health(const std::string& why) {
    const auto open = static_cast<std::size_t>(
        std::ranges::count_if(connections_, [](const auto& each) { return each->is_open(); })
    );
    const auto before = open_connections_->exchange(open);
    bool was_away = false;
    {
        const std::scoped_lock lock(health_mutex_);
        was_away = !unhealthy_.empty();
        if (open > 0) {
            unhealthy_.clear();
        } else if (!why.empty()) {
            unhealthy_ = fmt::format("PostgreSQL at {}: {}", target_.shown, why);
        }
    }
    if (open == 0 && !was_away) log::error("store.away", {{"why", unhealthy_reason()}});
    if (before > 0 || open == 0) return;
    log::info("store.connected", {{"server", target_.shown}});
    for (auto& hook : return_hooks_) hook();
}

std::string Pool::unhealthy_reason() const {
    const std::scoped_lock lock(health_mutex_);
    return unhealthy_;
}

Task<> Pool::tick() {
    for (;;) {
        co_await sleep_for(tick_pause);
        const auto now = std::chrono::steady_clock::now();
        drop_given_up(now);
        for (auto& connection : connections_) connection->check_silence(now);
        for (auto& hook : tick_hooks_) hook(now);
        dispatch();
    }
}

/// Those behind the first, too: what waits is not in the order of its deadlines.
void Pool::drop_given_up(Deadline now) {
    std::deque<JobRef> kept;
    for (auto& job : std::exchange(waiting_, {})) {
        if (job->give_up > now) {
            kept.push_back(std::move(job));
        } else {
            fail(std::move(job), Failure::Kind::not_done, unhealthy_reason());
        }
    }
    waiting_.swap(kept);
}

void Pool::fail(JobRef job, Failure::Kind kind, std::string why) {
    job->done(std::unexpected(Failure{kind, {}, std::move(why)}));
}

bool Pool::is_idle() const {
    return waiting_.empty() &&
           std::ranges::all_of(connections_, [](const auto& each) { return each->jobs() == 0; });
}

void Pool::end_if_idle() {
    if (!closing_ || told_idle_ || !is_idle()) return;
    told_idle_ = true;
    idle_.set_value();
}

void Pool::close() {
    if (closing_.exchange(true)) return;
    post([this] { dispatch(); });
    idle_.get_future().wait_for(operation_time_max);
    const auto stopped = std::make_shared<std::promise<void>>();
    post([this, stopped] {
        told_idle_ = true;
        for (auto& job : std::exchange(waiting_, {})) {
            fail(std::move(job), Failure::Kind::not_done, "the datastore is closed");
        }
        for (auto& connection : connections_) connection->stop();
        stopped->set_value();
    });
    stopped->get_future().wait();
    lanes_.stop();
    std::vector<std::move_only_function<void()>> late;
    {
        const std::scoped_lock lock(inbox_mutex_);
        is_shut_ = true;
        late.swap(inbox_);
    }
    for (auto& work : late) work();
}

}  // namespace stoker::postgres
