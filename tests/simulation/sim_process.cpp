#include "tests/simulation/sim_process.hpp"

#include "common/async/spawn.hpp"
#include "queue/open_queue.hpp"

namespace stoker::test {

namespace {

constexpr std::chrono::seconds drain_grace{10};
constexpr std::chrono::seconds clean_up_max{20};
constexpr std::int64_t memory_mb = 1024;
constexpr std::uint32_t pull_max = 8;

}  // namespace

SimProcess::ApiRole::ApiRole(SimProcess& process) :
    outbox(*process.queue_, {}, process.metrics_),
    delayed(process.store_, outbox, *process.events_, process.clock_, {}, process.metrics_),
    sweeper(
        process.store_,
        *process.queue_,
        outbox,
        *process.events_,
        {.queue_starts_empty = process.context_.is_embedded},
        process.metrics_,
        static_cast<std::uint32_t>(process.context_.random.below(1U << 31U))
    ),
    acceptor(
        process.store_,
        *process.queue_,
        outbox,
        delayed,
        sweeper.waits(),
        *process.events_,
        process.clock_,
        {},
        process.metrics_
    ) {}

SimProcess::WorkerRole::WorkerRole(SimProcess& process) :
    memory(memory_mb),
    slots(process.lanes_, memory, LaunchPolicy{}, process.slot_hooks()),
    executor(process.context_, process, slots),
    runner(
        {executor, process.store_, *process.queue_, *process.events_, live, process.metrics_}, {}
    ),
    gate(*process.queue_, process.context_.mutation == Mutation::open_gate),
    claimer(
        {process.lanes_,
         process.store_,
         gate,
         *process.events_,
         slots,
         memory,
         live,
         runner,
         process.metrics_},
        pull_max
    ),
    lease(process.store_, process.ids_, {.host = "sim"}, process.lease_hooks()) {
    runner.on_engine_away([this, &process] {
        claimer.pause();
        if (std::exchange(engine_is_watched, true)) return;
        spawn(background, process.lane(), "sim.wait_for_engine", process.wait_for_engine());
    });
}

SimProcess::SimProcess(SimContext& context, ProcessRoles roles) :
    context_(context),
    roles_(roles),
    ids_(clock_, ++context.processes_started, 0),
    store_(context.store, *this),
    queue_(make_queue()) {
    if (roles.api) api_ = std::make_unique<ApiRole>(*this);
    if (roles.worker) worker_ = std::make_unique<WorkerRole>(*this);
}

SimProcess::~SimProcess() {
    if (auto* link = dynamic_cast<SimQueueLink*>(queue_.get())) link->close();
    lanes_.stop();
}

std::unique_ptr<MessageQueue> SimProcess::make_queue() {
    if (!context_.is_embedded) return std::make_unique<SimQueueLink>(context_.queue, *this);
    return std::move(open_queue("embedded:", {}, lane(), metrics_).value());
}

SlotPool::Hooks SimProcess::slot_hooks() {
    return {
        .launch =
            [this](FnSpecRef fn, MemoryTokens::Token memory, LaunchReport /*report*/) {
                return worker_->executor.launch(std::move(fn), std::move(memory));
            },
        .remove = [this](ContainerRef container
                  ) { return worker_->executor.remove(std::move(container)); },
        .kill = [this](ContainerRef container
                ) { return worker_->executor.kill(std::move(container)); },
        .changed = [this] { worker_->claimer.refresh(); }
    };
}

WorkerLease::Hooks SimProcess::lease_hooks() {
    return {
        .granted =
            [this](const std::string& id) {
                context_.history.note("worker registered", id);
                if (++grants_ > 1) context_.history.reached("registered anew");
                worker_->claimer.start(id);
            },
        .renewed =
            [this](const std::string& id, Deadline until) {
                worker_->live.own(id, until);
                worker_->claimer.refresh();
            },
        .lost =
            [this] {
                worker_->claimer.pause();
                worker_->live.disown();
                worker_->slots.kill_busy();
            },
        .cancelled =
            [this](const std::vector<std::string>& ids) {
                for (const auto& id : ids) {
                    const auto live = worker_->live.find(id);
                    if (!live || live->cancelled.exchange(true)) continue;
                    auto container = live->container();
                    if (!container) continue;
                    spawn(lane(), "sim.kill", worker_->executor.kill(std::move(container)));
                }
            }
    };
}

void SimProcess::start() { spawn(lane(), "sim.boot", boot()); }

Task<> SimProcess::boot() {
    // The one process that owns the data knows that whoever ran these calls before is dead.
    while (context_.is_embedded && !co_await store_.recover_all()) co_await sleep_for(Millis{500});
    if (api_) {
        api_->outbox.start(lane());
        api_->delayed.start(lane());
        if (context_.mutation != Mutation::no_sweeper) api_->sweeper.start(lane());
    }
    if (worker_) {
        worker_->slots.start();
        spawn(worker_->background, lane(), "sim.lease", worker_->lease.keep());
    }
}

void SimProcess::call(FnEntryRef fn, CallOptions options) {
    spawn(lane(), "sim.call", accept(std::move(fn), std::move(options)));
}

Task<> SimProcess::accept(FnEntryRef fn, CallOptions options) {
    if (!api_->acceptor.admit(fn->fn, options)) co_return;
    const auto key = options.idempotency_key.value_or("");
    auto id = ids_.next();
    const auto accepted = co_await api_->acceptor.accept(std::move(fn), id, {}, std::move(options));
    if (!accepted) co_return;
    crash_point();
    co_await sleep_for(Millis{1});
    context_.history.acknowledged(*accepted, context_.store.has(*accepted), key);
    context_.acknowledged.push_back(*accepted);
}

void SimProcess::cancel(std::string call_id) {
    spawn(lane(), "sim.cancel", ask_cancel(std::move(call_id)));
}

Task<> SimProcess::ask_cancel(std::string call_id) {
    const auto call = co_await store_.cancel(Scope::all(), call_id);
    if (call) context_.history.cancel_answered(call_id, call->status);
}

void SimProcess::pause(std::string fn_id, Millis lasts) {
    spawn(lane(), "sim.pause", pause_and_resume(std::move(fn_id), lasts));
}

Task<> SimProcess::pause_and_resume(std::string fn_id, Millis lasts) {
    if (co_await store_.pause_fn(fn_id)) context_.history.paused(fn_id);
    co_await sleep_for(lasts);
    context_.history.resumed(fn_id);
    while (!co_await store_.resume_fn(fn_id)) co_await sleep_for(Millis{500});
}

void SimProcess::take_engine_away(bool away) {
    if (worker_) worker_->executor.engine_is_away = away;
}

Task<> SimProcess::wait_for_engine() {
    while (worker_->executor.engine_is_away && !is_draining_) co_await sleep_for(Millis{1'000});
    worker_->engine_is_watched = false;
    if (!is_draining_) worker_->claimer.resume();
}

void SimProcess::drain() {
    if (std::exchange(is_draining_, true)) return;
    spawn(lane(), "sim.stop", stop());
}

Task<> SimProcess::stop() {
    const auto grace = deadline_in(drain_grace);
    if (api_) api_->acceptor.close();
    if (worker_) co_await stop_worker(grace);
    if (api_) {
        co_await api_->sweeper.stop(deadline_in(clean_up_max));
        co_await api_->delayed.stop(deadline_in(clean_up_max));
        co_await api_->outbox.stop(deadline_in(clean_up_max));
    }
    has_stopped_ = true;
}

/// As Worker::stop().
Task<> SimProcess::stop_worker(Deadline grace) {
    auto& worker = *worker_;
    worker.claimer.stop();
    worker.runner.drain();
    worker.slots.close();
    worker.lease.drain();
    if (!co_await worker.claimer.drained(grace)) {
        worker.runner.hand_back_failures();
        worker.slots.kill_busy();
        co_await worker.claimer.drained(deadline_in(clean_up_max));
    }
    worker.runner.stop();
    co_await worker.slots.drained(deadline_in(clean_up_max));
    worker.lease.end();
    co_await worker.background.close(deadline_in(clean_up_max));
    co_await worker.lease.leave();
}

std::size_t SimProcess::turn() {
    const auto done = lane().context().poll();
    if (done > 0 && worker_ && !has_crashed_) check_gate();
    return done;
}

/// At rest, no call may come while more than half of the memory is busy.
void SimProcess::check_gate() {
    if (2 * worker_->slots.busy_mb() <= memory_mb) return;
    context_.history.reached("gate closed");
    context_.history.require(worker_->gate.granted() == 0, "the gate is closed", "worker");
}

bool SimProcess::has_newly_parked() {
    const bool has_parked = api_ && api_->outbox.parked() > 0;
    return !std::exchange(had_parked_, has_parked) && has_parked;
}

Millis SimProcess::idle_time() { return VirtualTime::idle_time(lane().context()); }

void SimProcess::crash_point() {
    if (!context_.random.chance(context_.crash)) return;
    has_crashed_ = true;
    lane().context().stop();
}

}  // namespace stoker::test
