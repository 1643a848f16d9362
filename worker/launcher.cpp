#include "worker/launcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/async/spawn.hpp"
#include "common/log.hpp"
#include "model/cpus.hpp"
#include "worker/containers/init/init_binary.hpp"
#include "worker/containers/output_socket.hpp"
#include "worker/log_framer.hpp"

namespace stoker {

namespace {

constexpr const char* folder_in_container = "/tmp/iofs";
/// Removals at once for each start at once: they mostly wait for the kernel.
constexpr std::size_t removals_per_start = 2;
constexpr std::chrono::seconds removal_turn_max{5};

Deadline request_deadline() { return deadline_in(EngineTimes{}.request); }

std::vector<std::string> environment(const FnSpec& fn) {
    std::vector<std::string> env;
    const auto add = [&](std::string_view name, std::string_view value) {
        env.push_back(fmt::format("{}={}", name, value));
    };
    for (const auto& [key, value] : fn.config) add(key, value);
    // Later entries win: what the platform says is not overridden by configuration.
    add("FN_FORMAT", to_word(fn.format));
    add("FN_MEMORY", std::to_string(fn.memory_mb));
    add("FN_TYPE", "sync");
    add("FN_FN_ID", fn.fn_id);
    add("FN_APP_ID", fn.app_id);
    add("FN_FN_NAME", fn.fn_name);
    add("FN_APP_NAME", fn.app_name);
    if (fn.milli_cpus > 0) add("FN_CPUS", format_milli_cpus(fn.milli_cpus));
    if (fn.tmpfs_mb > 0) add("FN_TMPSIZE", std::to_string(fn.tmpfs_mb));
    if (fn.format == FnFormat::cold) {
        add("FN_DEADLINE", format_time(wall_now() + std::chrono::seconds(fn.timeout_s)));
    }
    if (fn.format == FnFormat::http_stream) {
        add("FN_LISTENER", fmt::format("unix:{}/lsnr.sock", folder_in_container));
        add("FN_LOGFRAME_NAME", log_frame_name);
        add("FN_LOGFRAME_HDR", log_frame_header);
    } else {
        add(init_input_variable, "1");
    }
    add(init_output_variable, fmt::format("{}/{}", folder_in_container, OutputSocket::file_name));
    return env;
}

/// What the engine says against a container is about the function's image or settings: its owner
/// needs the words.
Error refusal(Error error) {
    if (error.code != Errc::internal) return error;
    return {
        .code = Errc::init_failed, .message = "container refused: " + error.detail, .detail = {}
    };
}

void take_pipes(Container& container, OutputPipes pipes, std::unique_ptr<SyslogTap> syslog) {
    if (container.speaks_stdio()) {
        container.stdio = {.in = std::move(pipes.in), .out = std::move(pipes.out)};
    }
    container.output =
        std::make_shared<FunctionOutput>(container.home, std::move(pipes), std::move(syslog));
    container.output->start();
}

/// What the function printed, for the log of the call that hears of the failure.
Error with_output(Error error, const Container& container) {
    if (container.output) error.detail = container.output->own_output();
    return error;
}

}  // namespace

Launcher::Launcher(
    ContainerDriver& driver,
    Images& images,
    const RunDir& run_dir,
    SocketWatcher& watcher,
    IdSource& ids,
    Syslog& syslog,
    Metrics& metrics,
    LauncherSettings settings
) :
    driver_(driver),
    images_(images),
    run_dir_(run_dir),
    watcher_(watcher),
    ids_(ids),
    syslog_(syslog),
    settings_(std::move(settings)),
    networks_(settings_.networks),
    times_(metrics),
    freeze_seconds_(
        metrics.histogram("stoker_container_freeze_seconds", "Time to freeze an idle container")
    ),
    thaw_seconds_(
        metrics.histogram("stoker_container_thaw_seconds", "Time to thaw a container for a call")
    ),
    start_turns_(settings_.start_max),
    removal_turns_(removals_per_start * settings_.start_max) {}

void Launcher::set_worker(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    worker_ = id;
}

Task<Result<ContainerRef>> Launcher::launch(
    FnSpecRef fn, MemoryTokens::Token memory, LaunchReport report
) {
    const auto in_use = images_.record().use(fn->image);
    const auto image =
        co_await images_.ensure(fn->image, [&] { report.phase(CallPhase::pulling); });
    if (!image) co_return fail(image.error());
    report.phase(CallPhase::starting);
    if (image->has_volumes && !settings_.allow_volumes) co_return fail(Errc::image_has_volume);
    if (image->entrypoint.empty() && image->cmd.empty()) {
        co_return fail(Errc::init_failed, fmt::format("image {} has no command", fn->image));
    }
    auto container = std::make_shared<Container>(
        ids_.next(), std::move(fn), co_await asio::this_coro::executor, std::move(memory)
    );
    co_return co_await start(std::move(container), *image, std::move(report));
}

Task<Result<ContainerRef>> Launcher::start(
    ContainerRef container, ImageInfo image, LaunchReport report
) {
    // Pulls that end together let their launches go on together. Each turn ends by the deadlines of
    // what is done in it.
    const auto turn = co_await start_turns_.take();
    {
        const std::scoped_lock lock(mutex_);
        names_.insert(container->name);
    }
    container->network = networks_.join();
    auto up = co_await bring_up(container, image);
    if (up) co_return container;
    auto error = with_output(std::move(up.error()), *container);
    log::warn(
        "container.launch_failed",
        {{"container", container->name},
         {"fn", container->fn->fn_id},
         {"code", spec_of(error.code).word},
         {"detail", error.detail}}
    );
    report.leaves(std::move(container));
    co_return fail(std::move(error));
}

Task<Result<void>> Launcher::bring_up(ContainerRef container, const ImageInfo& image) {
    auto folder = run_dir_.make_folder(container->name);
    if (!folder) co_return fail(folder.error());
    container->folder.emplace(std::move(*folder));

    auto output = OutputSocket::listen(container->home, container->folder->path());
    if (!output) co_return fail(output.error());
    std::optional<SocketWatcher::Watch> watch;
    if (!container->speaks_stdio()) {
        auto watching = watcher_.watch(container->folder->path());
        if (!watching) co_return fail(watching.error());
        watch.emplace(std::move(*watching));
    }

    auto started = co_await make_and_start(container, image);
    note_answer(started ? nullptr : &started.error());
    if (!started) co_return fail(refusal(std::move(started.error())));

    Stopwatch stopwatch;
    container->on_early_exit = [&output] { output->end(); };
    spawn(container->home, "container.watch_exit", watch_exit(container));
    const auto ready_by = deadline_in(settings_.init_timeout);
    auto pipes = co_await output->receive(ready_by, container->speaks_stdio());
    container->on_early_exit = {};
    if (!pipes) co_return fail(pipes.error());
    stopwatch.lap(times_.init);
    if (pipes->pid > 0) driver_.has_process(container->engine_id, pipes->pid);
    take_pipes(*container, std::move(*pipes), syslog_tap(*container));
    if (!watch) co_return Result<void>{};  // it reads its calls from stdin whenever it is ready
    auto ready = co_await wait_for_socket(container, *watch, ready_by);
    container->on_early_exit = {};
    if (ready) stopwatch.lap(times_.socket);
    co_return ready;
}

Task<Result<void>> Launcher::make_and_start(ContainerRef container, const ImageInfo& image) {
    Stopwatch stopwatch;
    auto created = co_await create(container, image);
    if (!created) co_return fail(std::move(created.error()));
    stopwatch.lap(times_.create);
    container->engine_id = std::move(*created);
    auto started = co_await driver_.start(container->engine_id, request_deadline());
    if (started) stopwatch.lap(times_.start);
    co_return started;
}

void Launcher::note_answer(const Error* error) {
    if (error && error->code == Errc::engine_unavailable) {
        starts_.unanswered(std::chrono::steady_clock::now());
    } else {
        starts_.answered();
    }
}

Task<Result<std::string>> Launcher::create(ContainerRef container, const ImageInfo& image) {
    auto created = co_await driver_.create(container_spec(*container, image), request_deadline());
    if (created || created.error().code != Errc::image_not_found) co_return created;
    // Somebody removed it since it was looked up.
    const auto again = co_await images_.ensure(container->fn->image, [] {});
    if (!again) co_return fail(again.error());
    created = co_await driver_.create(container_spec(*container, *again), request_deadline());
    if (!created && created.error().code == Errc::image_not_found) {
        co_return fail(Errc::pull_failed, "the image was removed while it was needed");
    }
    co_return created;
}

Task<Result<void>> Launcher::wait_for_socket(
    ContainerRef container, SocketWatcher::Watch& watch, Deadline ready_by
) {
    for (;;) {
        auto change = watch.next_change(container->home);
        container->on_early_exit = [change] { change.set(true); };
        auto found = container->folder->find_socket();
        if (!found) co_return fail(found.error());
        if (*found) {
            auto connected = connect_to(**found);
            if (connected) {
                container->socket = std::move(**found);
                container->connection = std::move(*connected);
                container->connection_used = std::chrono::steady_clock::now();
                co_return Result<void>{};
            }
            // Bound but not listening yet, or not yet open to us: the same as not there.
            if (connected.error() != ECONNREFUSED && connected.error() != EACCES) {
                co_return fail(Errc::init_failed, {}, std::strerror(connected.error()));
            }
        }
        if (container->exited.is_set()) co_return fail(Errc::init_failed);
        if (has_passed(ready_by)) co_return fail(Errc::init_timeout);
        // listen() after bind() is no change of the folder: such a socket is tried again soon.
        co_await change.wait(*found ? std::min(ready_by, deadline_in(Millis{1})) : ready_by);
    }
}

ContainerSpec Launcher::container_spec(const Container& container, const ImageInfo& image) const {
    ContainerSpec spec;
    spec.name = container.name;
    spec.image = container.fn->image;
    spec.entrypoint = std::vector<std::string>{init_container_path};
    spec.cmd = image.entrypoint;
    spec.cmd->insert(spec.cmd->end(), image.cmd.begin(), image.cmd.end());
    spec.env = environment(*container.fn);
    spec.labels = {{label_instance, settings_.instance}};
    {
        const std::scoped_lock lock(mutex_);
        if (!worker_.empty()) spec.labels.emplace_back(label_worker, worker_);
    }
    // Others serve many calls, which nobody knows when they are made.
    const auto call = container.fn->config.find("FN_CALL_ID");
    if (container.is_cold() && call != container.fn->config.end()) {
        spec.labels.emplace_back(label_call, call->second);
    }
    if (!settings_.label_tag.empty()) {
        spec.labels.emplace_back("fn-agent-classifier", settings_.label_tag);
        spec.labels.emplace_back("fn-agent-instance", settings_.instance);
    }
    spec.memory_mb = container.fn->container_mb();
    spec.tmpfs_mb = container.fn->tmpfs_mb;
    spec.milli_cpus = container.fn->milli_cpus;
    spec.confinement = settings_.confinement;
    spec.network = container.network.name();
    spec.binds = {
        {container.folder->engine_path(), folder_in_container, false},
        {run_dir_.init_engine_path(), init_container_path, true}
    };
    return spec;
}

std::unique_ptr<SyslogTap> Launcher::syslog_tap(const Container& container) {
    const auto& fn = *container.fn;
    if (fn.syslog_url.empty()) return nullptr;
    return syslog_.tap(
        fn.syslog_url,
        {.host = settings_.host, .app_id = fn.app_id, .fn_id = fn.fn_id, .container = container.name
        }
    );
}

Task<> Launcher::watch_exit(ContainerRef container) {
    const auto status = co_await driver_.wait(container->engine_id, Deadline::max());
    container->exited.set(status.value_or(ExitStatus{}));
    if (container->on_early_exit) container->on_early_exit();
    on_exit_(container);
}

Task<> Launcher::remove(ContainerRef container) {
    images_.record().used(container->fn->image);
    if (container->output) container->output->close();
    container->connection.reset();
    container->stdio = {};
    Millis pause{100};
    // By name when a create's answer was lost: that has left a container behind, too.
    const auto& id = container->engine_id.empty() ? container->name : container->engine_id;
    for (;;) {
        auto removed = co_await remove_in_turn(id);
        if (removed || stopping_) break;
        log::warn(
            "container.remove_failed",
            {{"container", container->name}, {"why", removed.error().detail}}
        );
        co_await sleep_for(pause);
        pause = std::min(pause * 2, Millis{10'000});
    }
    container->folder.reset();
    const std::scoped_lock lock(mutex_);
    names_.erase(container->name);
}

Task<Result<void>> Launcher::remove_in_turn(std::string id) {
    // Not for ever: some that the engine cannot remove must not keep it from the others.
    const auto turn = co_await removal_turns_.take(deadline_in(removal_turn_max));
    co_return co_await driver_.remove(std::move(id), deadline_in(EngineTimes{}.remove));
}

Task<> Launcher::kill(ContainerRef container) {
    container->killed = true;
    co_await driver_.kill(container->engine_id, "SIGKILL", request_deadline());
}

Task<bool> Launcher::freeze(ContainerRef container) {
    Stopwatch stopwatch;
    const auto frozen =
        co_await driver_.freeze(container->engine_id, deadline_in(EngineTimes{}.freeze));
    if (frozen) stopwatch.lap(freeze_seconds_);
    if (!frozen && !container->exited.is_set()) {
        log::warn(
            "container.freeze_failed",
            {{"container", container->name}, {"why", frozen.error().detail}}
        );
    }
    co_return frozen.has_value();
}

Task<bool> Launcher::thaw(ContainerRef container) {
    Stopwatch stopwatch;
    const auto thawed =
        co_await driver_.thaw(container->engine_id, deadline_in(EngineTimes{}.freeze));
    if (thawed) stopwatch.lap(thaw_seconds_);
    if (!thawed && !container->exited.is_set()) {
        log::warn(
            "container.thaw_failed",
            {{"container", container->name}, {"why", thawed.error().detail}}
        );
    }
    co_return thawed.has_value();
}

Task<Result<void>> Launcher::remove_leftovers() {
    const auto left = co_await driver_.list_leftovers(settings_.instance, request_deadline());
    if (!left) co_return fail(left.error());
    if (left->empty()) co_return Result<void>{};
    log::info("containers.leftovers", {{"count", left->size()}});
    if (co_await remove_all(*left) > 0) {
        co_return fail(Errc::engine_unavailable, {}, "leftover containers remain");
    }
    co_return Result<void>{};
}

Task<> Launcher::remove_strays() {
    auto left = co_await driver_.list_leftovers(settings_.instance, request_deadline());
    if (!left) co_return;  // the next time
    {
        const std::scoped_lock lock(mutex_);
        std::erase_if(*left, [this](const std::string& name) { return names_.contains(name); });
    }
    if (left->empty()) co_return;
    log::warn("containers.strays", {{"count", left->size()}});
    co_await remove_all(std::move(*left));
}

Task<std::size_t> Launcher::remove_all(std::vector<std::string> names) {
    Gate removing;
    std::atomic<std::size_t> failed{0};
    const auto lane = co_await asio::this_coro::executor;
    const auto remove_one =
        [](ContainerDriver& driver, std::string name, std::atomic<std::size_t>& bad) -> Task<> {
        if (!co_await driver.remove(name, deadline_in(EngineTimes{}.remove))) ++bad;
    };
    for (auto& name : names) {
        spawn(removing, lane, "leftover.remove", remove_one(driver_, std::move(name), failed));
    }
    co_await removing.close(Deadline::max());
    co_return failed.load();
}

}  // namespace stoker
