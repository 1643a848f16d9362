#include "api/runners/runner_directory.hpp"

#include <algorithm>

#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {

/// More are not offered calls; nobody has so many.
constexpr std::size_t runners_max = 10'000;

void update(Runner& runner, const WorkerProfile& profile) {
    runner.memory_mb = profile.memory_mb;
    runner.milli_cpus = profile.milli_cpus;
    runner.busy_mb = profile.busy_mb;
    runner.draining = profile.draining;
}

bool fits(const Runner& runner, std::uint64_t memory_mb, std::uint64_t milli_cpus) {
    const auto has_memory = runner.memory_mb.load();
    const auto has_cpus = runner.milli_cpus.load();
    return (has_memory <= 0 || std::cmp_less_equal(memory_mb, has_memory)) &&
           (has_cpus <= 0 || std::cmp_less_equal(milli_cpus, has_cpus));
}

}  // namespace

RunnerDirectory::RunnerDirectory(Datastore& store, RunnerList fixed, Millis interval) :
    store_(store),
    is_fixed_(!fixed.empty()),
    interval_(interval),
    runners_(std::move(fixed)) {}

RunnerList RunnerDirectory::all() const {
    const std::scoped_lock lock(mutex_);
    return runners_;
}

bool RunnerDirectory::can_ever_fit(std::uint64_t memory_mb, std::uint64_t milli_cpus) const {
    const std::scoped_lock lock(mutex_);
    // With a fixed list nothing is known, and without workers one may come: they will say it.
    return runners_.empty() || std::ranges::any_of(runners_, [&](const RunnerRef& runner) {
               return fits(*runner, memory_mb, milli_cpus);
           });
}

Task<> RunnerDirectory::refresh() {
    if (is_fixed_) co_return;
    const auto workers = co_await store_.list_workers();
    if (workers) take(*workers);
}

void RunnerDirectory::take(const std::vector<KnownWorker>& workers) {
    const std::scoped_lock lock(mutex_);
    RunnerList now;
    for (const auto& worker : workers) {
        const auto& address = worker.profile.address;
        if (address.empty() || now.size() == runners_max) continue;
        const auto has_address = [&](const RunnerRef& runner) { return runner->name == address; };
        // A worker that lost its lease is there twice for a while.
        if (std::ranges::any_of(now, has_address)) continue;
        const auto known = std::ranges::find_if(runners_, has_address);
        auto runner = known != runners_.end() ? *known : nullptr;
        if (!runner) {
            auto made = make_runner(address);
            if (!made) continue;
            log::info("runner.found", {{"worker", worker.id}, {"address", address}});
            runner = std::move(*made);
        }
        update(*runner, worker.profile);
        now.push_back(std::move(runner));
    }
    runners_.swap(now);
}

void RunnerDirectory::start(Executor lane) {
    stop_ = std::make_unique<OneShot<bool>>(lane);
    spawn(gate_, lane, "runner_directory", run());
}

Task<> RunnerDirectory::run() {
    const auto stop = *stop_;
    do {
        co_await refresh();
    } while (!co_await stop.wait(deadline_in(interval_)));
}

Task<> RunnerDirectory::stop(Deadline deadline) {
    if (stop_) stop_->set(true);
    co_await gate_.close(deadline);
}

}  // namespace stoker
