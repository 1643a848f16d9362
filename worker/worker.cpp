#include "worker/worker.hpp"

#include <algorithm>

#include "common/async/spawn.hpp"
#include "common/log.hpp"

namespace stoker {

namespace {

constexpr Millis retry_pause{1'000};
constexpr Millis progress_interval{250};
constexpr std::chrono::minutes load_max{10};
constexpr std::chrono::seconds load_pause{5};
/// After the grace time: for killed calls to be handed back and containers to be removed.
constexpr std::chrono::seconds clean_up_max{20};
/// For the last lines of functions to reach their syslog servers.
constexpr std::chrono::seconds syslog_max{3};
/// A call that would wait longer for others is better off with another worker.
constexpr double wait_for_others_max_s = 0.25;

}  // namespace

Result<std::unique_ptr<Worker>> Worker::open(Deps deps, WorkerSettings settings) {
    auto run_dir = RunDir::open(settings.run_dir, settings.run_dir_engine, settings.instance);
    if (!run_dir) return fail(run_dir.error());
    return std::unique_ptr<Worker>(new Worker(deps, std::move(settings), std::move(*run_dir)));
}

Worker::Worker(Deps deps, WorkerSettings settings, RunDir run_dir) :
    deps_(deps),
    settings_(std::move(settings)),
    run_dir_(std::move(run_dir)),
    memory_(settings_.memory_mb),
    watcher_(deps.lanes.at(0)),
    syslog_(deps.lanes, deps.metrics),
    images_(deps.driver, image_record_, deps.metrics, settings_.pull),
    cleaner_(deps.driver, images_, deps.metrics, settings_.cleaner),
    launcher_(
        deps.driver,
        images_,
        run_dir_,
        watcher_,
        deps.ids,
        syslog_,
        deps.metrics,
        {.instance = settings_.instance,
         .host = settings_.host,
         .confinement = settings_.confinement,
         .networks = settings_.networks,
         .label_tag = settings_.label_tag,
         .init_timeout = settings_.init_timeout,
         .allow_volumes = settings_.allow_volumes,
         .start_max = settings_.launch.start_max}
    ),
    slots_(
        deps.lanes,
        memory_,
        settings_.launch,
        {.launch =
             [this](FnSpecRef fn, MemoryTokens::Token memory, LaunchReport report) {
                 return launcher_.launch(std::move(fn), std::move(memory), std::move(report));
             },
         .remove = [this](ContainerRef container
                   ) { return launcher_.remove(std::move(container)); },
         .kill = [this](ContainerRef container) { return launcher_.kill(std::move(container)); },
         .freeze = [this](ContainerRef container) { return freeze(std::move(container)); },
         .thaw = [this](ContainerRef container) { return launcher_.thaw(std::move(container)); },
         .changed = [this] { claimer_.refresh(); }},
        settings_.freeze_idle
    ),
    warm_fns_(deps.store, slots_),
    agent_(slots_, deps.driver, deps.metrics, settings_.answers),
    runner_(
        {agent_, deps.store, deps.queue, deps.events, live_, deps.metrics},
        {settings_.answers.kept_bytes_max, settings_.log_bytes_max}
    ),
    steal_(
        deps.queue,
        [&store = deps.store](std::string after_id, int items_max) {
            return store.list_queued(std::move(after_id), items_max);
        },
        deps.metrics
    ),
    claimer_(
        {deps.lanes,
         deps.store,
         deps.queue.keeps_shares() ? static_cast<MessageQueue&>(steal_) : deps.queue,
         deps.events,
         slots_,
         memory_,
         live_,
         runner_,
         deps.metrics},
        settings_.pull_max
    ),
    engine_(
        deps.driver,
        {.lost = [this] { claimer_.pause(); },
         .back =
             [this] {
                 launcher_.starts().answered();
                 slots_.engine_came_back();
                 claimer_.resume();
             },
         .tidy = [this] { return launcher_.remove_strays(); }}
    ),
    lease_(
        deps.store, deps.ids, {settings_.host, settings_.heartbeat, settings_.lease}, lease_hooks()
    ) {
    launcher_.on_exit([this](const ContainerRef& container) { slots_.container_exited(container); }
    );
    runner_.on_engine_away([this] { engine_.not_reached(); });
    add_gauges();
}

Task<bool> Worker::freeze(ContainerRef container) {
    // An engine that is away may come back as a new process, which ends what ran without it: that
    // does not work on what stands still.
    if (!engine_.is_up()) co_return true;
    co_return co_await launcher_.freeze(std::move(container));
}

void Worker::add_gauges() {
    const auto mb = [](std::int64_t n) { return static_cast<double>(n) * 1024 * 1024; };
    auto& metrics = deps_.metrics;
    metrics.gauge("stoker_memory_total_bytes", "Memory that containers may use", [this, mb] {
        return mb(memory_.total_mb());
    });
    metrics.gauge("stoker_memory_used_bytes", "Memory held by containers", [this, mb] {
        return mb(memory_.used_mb());
    });
    metrics.gauge(
        "stoker_memory_busy_bytes",
        "Memory held by containers that are not idle",
        [this, mb] { return mb(slots_.busy_mb()); }
    );
    const auto cpus = [](std::int64_t milli) { return static_cast<double>(milli) / 1000; };
    metrics.gauge("stoker_cpus_total", "Processors that containers may use", [this, cpus] {
        return cpus(settings_.launch.milli_cpus);
    });
    metrics.gauge(
        "stoker_cpus_busy",
        "Processors asked for by containers that are starting or run a call",
        [this, cpus] { return cpus(slots_.counts().milli_cpus); }
    );
    const auto state = [&](const char* word, std::size_t SlotPool::Counts::* count) {
        metrics.gauge(
            "stoker_containers",
            "Containers by state",
            [this, count] { return static_cast<double>(slots_.counts().*count); },
            {{"state", word}}
        );
    };
    state("starting", &SlotPool::Counts::starting);
    state("idle", &SlotPool::Counts::idle);
    state("frozen", &SlotPool::Counts::frozen);
    state("busy", &SlotPool::Counts::busy);
    metrics.gauge("stoker_slot_waiters", "Calls that wait for a container slot", [this] {
        return static_cast<double>(slots_.counts().waiting);
    });
    metrics.gauge("stoker_calls_live", "Asynchronous calls that this worker owns", [this] {
        return static_cast<double>(live_.size());
    });
}

void Worker::start() {
    watcher_.start();
    slots_.start();
    cleaner_.load();
    images_loaded_ = settings_.load_file.empty();
    spawn(background_, deps_.lanes.at(0), "worker.come_up", come_up());
    spawn(background_, deps_.lanes.at(0), "worker.report_progress", report_progress());
}

Task<> Worker::come_up() {
    // No call may be claimed while a container of an earlier life could still be running it.
    for (bool first = true; !stopping_; first = false) {
        auto clean = co_await launcher_.remove_leftovers();
        if (clean) break;
        if (first) {
            log::warn(
                "engine.unavailable",
                {{"why", clean.error().detail}, {"hint", "calls are accepted and wait for it"}}
            );
        }
        co_await stopped_.wait(deadline_in(retry_pause));
    }
    co_await load_images();
    if (!stopping_) co_await lease_.keep();
}

/// Until it is done: functions may need these images, and no registry may have them.
Task<> Worker::load_images() {
    std::string told;
    while (!stopping_ && !images_loaded_) {
        log::info("images.load", {{"file", settings_.load_file}});
        const auto loaded =
            co_await deps_.driver.load_image(settings_.load_file, deadline_in(load_max));
        if (loaded) {
            images_loaded_ = true;
            log::info("images.loaded", {{"file", settings_.load_file}});
            co_return;
        }
        if (const auto& why = loaded.error().detail; std::exchange(told, why) != why) {
            log::error("images.load_failed", {{"file", settings_.load_file}, {"why", why}});
        }
        co_await stopped_.wait(deadline_in(load_pause));
    }
}

WorkerLease::Hooks Worker::lease_hooks() {
    return {
        .granted =
            [this](const std::string& id) {
                launcher_.set_worker(id);
                if (!up_.exchange(true)) {
                    spawn(background_, deps_.lanes.at(0), "worker.watch_engine", engine_.run());
                    spawn(background_, deps_.lanes.at(0), "worker.keep_warm", warm_fns_.keep());
                    if (deps_.queue.keeps_shares()) {
                        spawn(background_, deps_.lanes.at(0), "worker.steal", steal_.run(stopped_));
                    }
                    cleaner_.start(deps_.lanes.at(0));
                    log::info("worker.ready", {{"worker", id}, {"memory_mb", memory_.total_mb()}});
                }
                claimer_.start(id);
            },
        .renewed =
            [this](const std::string& id, Deadline until) {
                live_.own(id, until);
                claimer_.refresh();
            },
        .lost =
            [this] {
                claimer_.pause();
                live_.disown();
                slots_.kill_busy();
            },
        .cancelled = [this](const std::vector<std::string>& ids) { stop_cancelled(ids); }
    };
}

void Worker::be_reached_at(std::string address) {
    lease_.tell([this, address = std::move(address)] { return profile(address); });
}

WorkerProfile Worker::profile(const std::string& address) const {
    return {
        .address = address,
        .memory_mb = memory_.total_mb(),
        .busy_mb = slots_.busy_mb(),
        .milli_cpus = settings_.launch.milli_cpus,
        .draining = stopping_
    };
}

void Worker::stop_cancelled(const std::vector<std::string>& call_ids) {
    for (const auto& call_id : call_ids) {
        const auto live = live_.find(call_id);
        if (!live || live->cancelled.exchange(true)) continue;
        if (auto container = live->container()) {
            const auto home = container->home;
            spawn(background_, home, "worker.cancel", launcher_.kill(std::move(container)));
        }
    }
}

Task<> Worker::report_progress() {
    std::vector<CallProgress> changes;
    while (!ended_.is_set()) {
        co_await ended_.wait(deadline_in(progress_interval));
        // What the datastore did not take is kept: the log pieces in it exist nowhere else.
        if (changes.empty()) {
            changes = live_.changes([this](const std::string& slot_key, const std::string& image) {
                return waiting_of(slot_key, image);
            });
        }
        if (changes.empty() || co_await deps_.store.progress(changes)) changes.clear();
    }
}

Waiting Worker::waiting_of(const std::string& slot_key, const std::string& image) const {
    Waiting waiting{slots_.phase_of(slot_key), {}};
    // A pull that began ahead counts, too, although no container waits for it yet.
    if (waiting.phase == CallPhase::slot || waiting.phase == CallPhase::pulling) {
        waiting.reason = images_.pull_state(image);
        if (!waiting.reason.empty()) waiting.phase = CallPhase::pulling;
    }
    if (waiting.phase == CallPhase::slot) waiting.reason = slots_.reason_of(slot_key);
    return waiting;
}

void Worker::expect_image(const std::string& image) {
    if (up_ && engine_.is_up() && !stopping_) images_.expect(image, deps_.lanes.at(0));
}

bool Worker::has_room_for(const FnSpec& fn) const {
    // What the call would be told at once is for invoke() to say.
    if (stopping_ || !up_ || !slots_.can_ever_fit(fn)) return true;
    return slots_.wait_s(fn) <= wait_for_others_max_s;
}

Task<Result<void>> Worker::invoke(
    Invocation invocation, BodySource& body, AnswerSink& answer, Deadline give_up
) {
    if (stopping_) co_return fail(Errc::shutting_down);
    if (!up_) co_return fail(Errc::engine_unavailable);
    co_return co_await agent_.invoke(std::move(invocation), body, answer, give_up);
}

std::string Worker::unready_reason() const {
    if (stopping_) return "shutting down";
    if (!images_loaded_) {
        return "waiting for the container engine to load images from " + settings_.load_file;
    }
    if (!up_) return "waiting for the container engine";
    if (!engine_.is_up()) return "the container engine does not answer";
    if (launcher_.starts().is_stuck(std::chrono::steady_clock::now())) {
        return "the container engine answers but does not start containers";
    }
    return {};
}

Task<> Worker::stop(Deadline grace) {
    stopping_ = true;
    claimer_.stop();
    runner_.drain();
    slots_.close();
    warm_fns_.stop();
    images_.stop();
    stopped_.set(true);
    lease_.drain();
    engine_.stop();
    bool have_all_ended = co_await claimer_.drained(grace);
    if (!co_await slots_.all_ended(grace)) have_all_ended = false;  // synchronous calls, too
    if (!have_all_ended) {
        log::warn(
            "worker.drain_timeout", {{"calls", live_.size()}, {"containers", slots_.counts().busy}}
        );
        runner_.hand_back_failures();
        slots_.kill_busy();
        co_await claimer_.drained(deadline_in(clean_up_max));
    }
    runner_.stop();
    if (!co_await slots_.drained(deadline_in(clean_up_max))) {
        log::warn("worker.containers_remain", {{"hint", "the next start removes them"}});
    }
    launcher_.stop();
    co_await cleaner_.stop(deadline_in(clean_up_max));
    co_await syslog_.stop(deadline_in(syslog_max));
    ended_.set(true);
    lease_.end();
    co_await background_.close(deadline_in(clean_up_max));
    co_await lease_.leave();
    watcher_.stop();
}

}  // namespace stoker
