// How many durable commits a second the SQLite store makes when many callers share them: first only
// accepts, then accept, claim in batches of 64 and finish together. --floor measures instead what
// SQLite alone can do: one thread that commits as many small rows at a time as there are callers.

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "common/async/lanes.hpp"
#include "common/async/spawn.hpp"
#include "datastore/open_datastore.hpp"
#include "model/id.hpp"

namespace stoker {
namespace {

constexpr std::size_t claim_ids_max = 64;

struct Plan {
    std::string data;  ///< empty: a folder of its own, removed at the end
    int callers = 128;
    int seconds = 5;
    std::size_t body_bytes = 200;
    std::size_t lanes = 1;
    std::size_t fns = 100;
    bool floor = false;
};

/// Ids accepted and not yet claimed.
class Backlog {
public:
    void add(std::string id) {
        const std::scoped_lock lock(mutex_);
        ids_.push_back(std::move(id));
    }
    std::vector<std::string> take() {
        const std::scoped_lock lock(mutex_);
        const auto count = static_cast<std::ptrdiff_t>(std::min(ids_.size(), claim_ids_max));
        std::vector<std::string> taken(ids_.begin(), ids_.begin() + count);
        ids_.erase(ids_.begin(), ids_.begin() + count);
        return taken;
    }

private:
    std::mutex mutex_;
    std::deque<std::string> ids_;
};

struct Bench {
    Plan plan;
    Datastore& store;
    Lanes& lanes;
    IdSource& ids;
    std::vector<std::string> fn_ids{};
    Backlog backlog{};
    Deadline end{};
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> finished{0};
    std::mutex times_mutex{};
    std::vector<double> times_ms{};
};

NewCall make_call(const Bench& bench, std::string id) {
    NewCall accepted;
    Call& call = accepted.call;
    call.id = std::move(id);
    call.app_id = "01APP0000000000000000000AA";
    call.fn_id = bench.fn_ids.at(std::hash<std::string>{}(call.id) % bench.plan.fns);
    call.fn_rev = 1;
    call.image = "registry.example/team/function:1.2.3";
    call.created_at = wall_now();
    accepted.request.method = "POST";
    accepted.request.url = "http://localhost:8080/invoke/" + call.fn_id;
    accepted.request.headers = {{"Accept", "*/*"}, {"User-Agent", "bench/1"}};
    accepted.request.content_type = "application/json";
    accepted.request.body = BodyRef::of(std::string(bench.plan.body_bytes, 'x'));
    return accepted;
}

Task<> accept_loop(Bench& bench, bool keep) {
    std::vector<double> times_ms{};
    while (!has_passed(bench.end)) {
        auto id = bench.ids.next();
        const auto started = std::chrono::steady_clock::now();
        const auto accepted = co_await bench.store.accept(make_call(bench, id));
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - started;
        if (!accepted) {
            std::fprintf(stderr, "accept: %s\n", std::string(accepted.error().text()).c_str());
            std::exit(1);
        }
        times_ms.push_back(took.count());
        bench.accepted.fetch_add(1);
        if (keep) bench.backlog.add(std::move(id));
    }
    const std::scoped_lock lock(bench.times_mutex);
    std::ranges::move(times_ms, std::back_inserter(bench.times_ms));
}

Task<> finish_one(Bench& bench, Fence fence) {
    FinishedCall finished;
    finished.fence = std::move(fence);
    finished.response = CallResponse{
        .status = 200,
        .head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n",
        .body = BodyRef::of(std::string(bench.plan.body_bytes, 'y')),
    };
    finished.started_at = wall_now();
    const auto won = co_await bench.store.finish(std::move(finished));
    if (won && *won) bench.finished.fetch_add(1);
}

Task<> claim_loop(Bench& bench, std::string worker) {
    const auto lane = co_await asio::this_coro::executor;
    while (!has_passed(bench.end)) {
        auto ids = bench.backlog.take();
        if (ids.empty()) {
            co_await sleep_for(Millis(1));
            continue;
        }
        const auto claimed = co_await bench.store.claim(worker, std::move(ids));
        if (!claimed) continue;
        Gate gate;
        for (const auto& each : *claimed) {
            spawn(
                gate, lane, "finish", finish_one(bench, {each.call.id, worker, each.call.attempt})
            );
        }
        co_await gate.close(deadline_in(std::chrono::seconds(30)));
    }
}

Task<> set_up(Bench& bench) {
    App app;
    app.id = "01APP0000000000000000000AA";
    app.name = "bench";
    co_await bench.store.insert_app(app);
    for (std::size_t i = 0; i < bench.plan.fns; ++i) {
        Fn fn;
        fn.id = bench.ids.next();
        fn.app_id = app.id;
        fn.name = fn.id;
        fn.image = "image";
        if (co_await bench.store.insert_fn(fn)) bench.fn_ids.push_back(fn.id);
    }
}

/// Runs the tasks to their end on the lanes in turn.
void run_all(Lanes& lanes, std::vector<Task<>> tasks) {
    std::mutex mutex;
    std::condition_variable wake;
    std::size_t left = tasks.size();
    for (auto& task : tasks) {
        asio::co_spawn(lanes.next(), std::move(task), [&](const std::exception_ptr& e) {
            if (e) std::rethrow_exception(e);
            const std::scoped_lock lock(mutex);
            if (--left == 0) wake.notify_one();
        });
    }
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return left == 0; });
}

void report(const char* name, Bench& bench, double seconds) {
    std::ranges::sort(bench.times_ms);
    const auto at = [&](double part) {
        const auto last = static_cast<double>(bench.times_ms.size() - 1);
        return bench.times_ms.at(static_cast<std::size_t>(last * part));
    };
    std::printf(
        "%-7s callers %d body %zu: accepts/s %.0f finishes/s %.0f accept p50 %.2f p99 %.2f max "
        "%.1f ms\n",
        name,
        bench.plan.callers,
        bench.plan.body_bytes,
        static_cast<double>(bench.accepted.exchange(0)) / seconds,
        static_cast<double>(bench.finished.exchange(0)) / seconds,
        at(0.5),
        at(0.99),
        bench.times_ms.back()
    );
    bench.times_ms.clear();
}

void measure(const char* name, Bench& bench, bool whole_cycle) {
    std::vector<Task<>> tasks;
    for (int i = 0; i < bench.plan.callers; ++i) tasks.push_back(accept_loop(bench, whole_cycle));
    for (int i = 0; whole_cycle && i < 4; ++i) {
        tasks.push_back(claim_loop(bench, "worker-" + std::to_string(i)));
    }
    const auto started = std::chrono::steady_clock::now();
    bench.end = started + std::chrono::seconds(bench.plan.seconds);
    run_all(bench.lanes, std::move(tasks));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    report(name, bench, took.count());
}

int run(const Plan& plan) {
    const SystemClock clock;
    Metrics metrics;
    auto store = open_datastore("sqlite:" + plan.data, {}, clock, metrics);
    if (!store) {
        std::fprintf(stderr, "%s\n", std::string(store.error().text()).c_str());
        return 1;
    }
    Lanes lanes(plan.lanes);
    lanes.start();
    IdSource ids(clock, machine_bits(8080));
    Bench bench{.plan = plan, .store = **store, .lanes = lanes, .ids = ids};
    std::vector<Task<>> setting_up;
    setting_up.push_back(set_up(bench));
    run_all(lanes, std::move(setting_up));
    measure("accept", bench, false);
    measure("cycle", bench, true);
    (*store)->close();
    lanes.stop();
    return 0;
}

/// Ends the program on an error: a floor that failed is no number.
void exec(sqlite3* db, const char* sql) {
    if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return;
    std::fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
    std::exit(1);
}

int run_floor(const Plan& plan) {
    sqlite3* db = nullptr;
    sqlite3_open((std::filesystem::path(plan.data) / "floor.db").c_str(), &db);
    exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    exec(db, "PRAGMA wal_autocheckpoint = 4000");
    exec(db, "CREATE TABLE rows(id TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID");
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(db, "INSERT INTO rows VALUES(?, ?)", -1, &insert, nullptr);
    const SystemClock clock;
    IdSource ids(clock, 1);
    const std::string body(plan.body_bytes, 'x');

    const auto started = std::chrono::steady_clock::now();
    const auto end = started + std::chrono::seconds(plan.seconds);
    std::uint64_t rows = 0;
    while (!has_passed(end)) {
        exec(db, "BEGIN IMMEDIATE");
        for (int i = 0; i < plan.callers; ++i) {
            const auto id = ids.next();
            sqlite3_bind_text(insert, 1, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
            sqlite3_bind_blob(insert, 2, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
            sqlite3_step(insert);
            sqlite3_reset(insert);
        }
        exec(db, "COMMIT");
        rows += static_cast<std::uint64_t>(plan.callers);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    sqlite3_finalize(insert);
    sqlite3_close(db);
    std::printf(
        "raw SQLite, %d rows a commit: %.0f rows/s\n",
        plan.callers,
        static_cast<double>(rows) / took.count()
    );
    return 0;
}

int usage() {
    std::fprintf(
        stderr,
        "usage: sqlite_group_commit [--data FOLDER] [--callers 128] [--seconds 5] [--body 200]\n"
        "                           [--lanes 1] [--fns 100] [--floor]\n"
    );
    return 2;
}

/// Empty when an argument is not understood.
std::optional<Plan> plan_from(const std::vector<std::string>& arguments) {
    Plan plan;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& name = arguments[i];
        if (name == "--floor") {
            plan.floor = true;
            continue;
        }
        if (++i == arguments.size()) return std::nullopt;
        const auto& value = arguments[i];
        const int number = std::atoi(value.c_str());
        if (name == "--data") {
            plan.data = value;
        } else if (number <= 0) {
            return std::nullopt;
        } else if (name == "--callers") {
            plan.callers = number;
        } else if (name == "--seconds") {
            plan.seconds = number;
        } else if (name == "--body") {
            plan.body_bytes = static_cast<std::size_t>(number);
        } else if (name == "--lanes") {
            plan.lanes = static_cast<std::size_t>(number);
        } else if (name == "--fns") {
            plan.fns = static_cast<std::size_t>(number);
        } else {
            return std::nullopt;
        }
    }
    return plan;
}

int run_in_folder(Plan plan) {
    const bool is_temporary = plan.data.empty();
    if (is_temporary) {
        plan.data = std::filesystem::temp_directory_path() / "stoker-bench-XXXXXX";
        if (mkdtemp(plan.data.data()) == nullptr) return usage();
    }
    const int status = plan.floor ? run_floor(plan) : run(plan);
    if (is_temporary) std::filesystem::remove_all(plan.data);
    return status;
}

}  // namespace
}  // namespace stoker

int main(int argc, char** argv) {
    auto plan = stoker::plan_from({argv + 1, argv + argc});
    return plan ? stoker::run_in_folder(std::move(*plan)) : stoker::usage();
}
