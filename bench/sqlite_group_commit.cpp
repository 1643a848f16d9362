// How many durable commits a second the SQLite store makes when many callers share them.
//
//   sqlite_group_commit <folder> [callers=128] [seconds=5] [body_bytes=200] [lanes=1] [fns=100]
//
// First only accepts; then accept, claim in batches of 64 and finish together. The folder should be
// on the disk in question and is left with the data.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
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
    std::string folder;
    int callers = 128;
    int seconds = 5;
    std::size_t body_bytes = 200;
    std::size_t lanes = 1;
    std::size_t fns = 100;
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
    auto store = open_datastore("sqlite:" + plan.folder, {}, clock, metrics);
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

}  // namespace
}  // namespace stoker

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(
            stderr, "usage: %s <folder> [callers] [seconds] [body_bytes] [lanes] [fns]\n", argv[0]
        );
        return 2;
    }
    const auto number = [&](int at, int otherwise) {
        return argc > at ? std::atoi(argv[at]) : otherwise;
    };
    return stoker::run({
        .folder = argv[1],
        .callers = number(2, 128),
        .seconds = number(3, 5),
        .body_bytes = static_cast<std::size_t>(number(4, 200)),
        .lanes = static_cast<std::size_t>(number(5, 1)),
        .fns = static_cast<std::size_t>(number(6, 100)),
    });
}
