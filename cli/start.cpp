#include "cli/start.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <thread>

#include "api/api.hpp"
#include "cli/instance.hpp"
#include "cli/signals.hpp"
#include "cli/start_settings.hpp"
#include "cli/version.hpp"
#include "common/async/spawn.hpp"
#include "common/log.hpp"
#include "common/process_metrics.hpp"
#include "datastore/open_datastore.hpp"
#include "model/call_events.hpp"
#include "queue/open_queue.hpp"
#include "worker/containers/docker/docker_driver.hpp"
#include "worker/machine.hpp"
#include "worker/worker.hpp"

namespace stoker {

namespace {

constexpr int exit_failed = 1;
constexpr int exit_cut_short = 130;
constexpr std::chrono::seconds api_stop_max{10};

/// Says why it cannot go on, for a person at the terminal.
int give_up(std::string_view why) {
    fmt::print(stderr, "stoker: {}\n", why);
    return exit_failed;
}

/// Every connection and container costs descriptors; the soft limit is often far below the hard
/// one.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

log::Level level_of(const std::string& word) {
    if (word == "debug") return log::Level::debug;
    if (word == "warn") return log::Level::warn;
    return word == "error" ? log::Level::error : log::Level::info;
}

log::Format format_of(const std::string& word) {
    if (word == "json") return log::Format::json;
    return word == "text" ? log::Format::text : log::Format::automatic;
}

std::string host_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
}

std::size_t cores() { return std::max(1U, std::thread::hardware_concurrency()); }

/// The setting, else where `docker login` leaves them.
Result<RegistryCredentials> load_credentials(const StartSettings& settings) {
    const auto environment = process_environment();
    const auto home = environment("HOME").value_or("");
    const auto docker = environment("DOCKER_CONFIG").value_or(home + "/.docker");
    auto credentials = RegistryCredentials::load(
        settings.images.docker_auth, {docker + "/config.json", home + "/.dockercfg"}
    );
    if (credentials && credentials->needs_helpers()) {
        log::warn(
            "docker_auth.helpers",
            {{"hint",
              "credsStore and credHelpers are not asked: give such passwords as auths in "
              "docker-auth"}}
        );
    }
    return credentials;
}

WorkerSettings worker_settings(
    const StartSettings& settings, std::string instance, std::int64_t memory_mb
) {
    WorkerSettings worker;
    worker.instance = std::move(instance);
    worker.host = host_name();
    worker.run_dir = settings.run_dir;
    worker.run_dir_engine = settings.run_dir_docker;
    worker.memory_mb = memory_mb;
    worker.launch.cores = cores();
    worker.launch.milli_cpus =
        detect_milli_cpus("/", cores(), static_cast<std::int64_t>(settings.cpus));
    worker.launch.start_max =
        settings.start_max > 0 ? static_cast<std::size_t>(settings.start_max) : 2 * cores();
    worker.pull_max = static_cast<std::uint32_t>(settings.pull_max);
    worker.freeze_idle = settings.containers.freeze_idle;
    worker.confinement = settings.containers.confinement;
    worker.networks = words_of(settings.containers.networks);
    worker.label_tag = settings.containers.label_tag;
    worker.init_timeout = settings.init_timeout;
    worker.pull.timeout = settings.pull_timeout;
    worker.pull.silence_max = settings.images.pull_silence;
    worker.allow_volumes = settings.images.enable_volume;
    worker.load_file = settings.images.load_file;
    worker.cleaner.bytes_max = settings.images.clean_max_size;
    worker.cleaner.exempt = words_of(settings.images.clean_exempt_tags);
    worker.cleaner.record_path = settings.data + "/pulled-images";
    worker.answers = {
        .head_bytes_max = settings.max_response_header,
        .streamed_bytes_max = settings.max_sync_response,
        .kept_bytes_max = settings.max_response
    };
    worker.log_bytes_max = settings.max_log;
    worker.heartbeat = settings.heartbeat;
    worker.lease = settings.lease;
    return worker;
}

DatastoreOptions datastore_options(const StartSettings& settings) {
    return {
        .data_folder = settings.data,
        .survives_power_cut = settings.sqlite_sync == "full",
        .space = {.reserve_bytes = settings.disk_reserve, .free_bytes_min = settings.disk_free_min}
    };
}

ApiSettings api_settings(const StartSettings& settings) {
    ApiSettings api;
    api.listen = settings.listen;
    api.public_url = settings.public_url;
    api.version = version;
    api.server.header_bytes_max = settings.max_header_bytes;
    api.server.uri_bytes_max = settings.max_uri_bytes;
    api.server.connections_max = static_cast<std::size_t>(settings.max_connections);
    api.server.header_time = settings.header_timeout;
    api.server.idle_time = settings.idle_timeout_http;
    api.server.body_stall = settings.body_timeout;
    api.server.write_stall = settings.send_timeout;
    api.accept.depth_max = static_cast<std::uint64_t>(settings.queue_depth);
    api.accept.key_lifetime = settings.idempotency_ttl;
    api.accept.fn_depth_max = static_cast<std::uint64_t>(settings.queue_depth_per_fn);
    api.delayed.interval = settings.sweep_interval;
    api.invoke.options.delay_max = settings.delay_max;
    api.invoke.slot_wait = settings.slot_wait;
    api.invoke.async_body_bytes_max = settings.max_async_body;
    api.invoke.sync_body_bytes_max = settings.max_sync_body;
    api.sweeper.interval = settings.sweep_interval;
    api.sweeper.lease = settings.lease;
    api.sweeper.grace = settings.sweep_grace;
    return api;
}

/// Runs a task on a lane and waits for it on this thread.
template <class T>
T wait_for(Lanes& lanes, Task<T> task) {
    return asio::co_spawn(lanes.at(0), std::move(task), asio::use_future).get();
}

/// We hold the lock of a store that is ours alone, so whoever ran its calls before is dead. Of one
/// that others use, too, the sweeps find out who is. How many calls wait again.
Result<std::size_t> recover_calls(const std::string& url, Datastore& store, Lanes& lanes) {
    if (is_shared_datastore(url)) return 0;
    const auto recovered = wait_for(lanes, store.recover_all());
    if (!recovered) return fail(recovered.error());
    return recovered->size();
}

/// Takes no more calls but answers questions until the running ones have ended, then stops all.
Task<> drain(Api& api, Worker& worker, Millis grace, Signals& signals) {
    api.drain();
    co_await worker.stop(deadline_in(grace));
    co_await api.stop(deadline_in(api_stop_max));
    signals.wake();
}

/// Everything runs; the exit code once it has ended.
int serve_until_signal(
    Api& api, Worker& worker, Datastore& store, Lanes& lanes, Millis grace, Signals& signals
) {
    const int signal = signals.wait();
    log::info(
        "stoker.draining",
        {{"signal", signal}, {"hint", "a second signal exits at once; no call is lost"}}
    );
    spawn(lanes.at(0), "drain", drain(api, worker, grace, signals));
    if (signals.wait() != 0) {
        // Nothing to save: what was accepted is on disk, the next start goes on from there.
        log::warn("stoker.cut_short");
        ::_exit(exit_cut_short);
    }
    store.close();
    lanes.stop();
    log::info("stoker.stopped");
    return 0;
}

int serve(const StartSettings& settings, Signals& signals) {
    const SystemClock clock;
    Metrics metrics;
    IdSource ids(clock, machine_bits(settings.listen.port));
    add_process_metrics(metrics);

    const auto memory_mb = detect_memory_mb("/", static_cast<std::int64_t>(settings.memory >> 20U));
    if (!memory_mb) return give_up("too little memory is free to run any function");

    Lanes lanes(settings.lanes > 0 ? static_cast<std::size_t>(settings.lanes) : cores());
    auto store = open_datastore(settings.db, datastore_options(settings), clock, metrics);
    if (!store) return give_up(store.error().text());
    const auto instance = load_instance(settings.data, ids);
    if (!instance) return give_up(instance.error().text());
    const QueueOptions queue_options{.max_depth = static_cast<std::uint64_t>(settings.queue_depth)};
    auto queue = open_queue(settings.queue, queue_options, lanes.at(0), metrics);
    if (!queue) return give_up(queue.error().text());
    const auto events = open_call_events(settings.db, metrics);
    const auto engine = parse_http_address(settings.docker_host);
    if (!engine) return give_up(engine.error());
    auto credentials = load_credentials(settings);
    if (!credentials) return give_up(credentials.error().text());
    DockerDriver driver(*engine, std::move(*credentials));

    auto worker = Worker::open(
        {lanes, **store, **queue, *events, driver, ids, metrics},
        worker_settings(settings, *instance, *memory_mb)
    );
    if (!worker) return give_up(worker.error().text());
    Api api(
        {.lanes = lanes,
         .store = **store,
         .queue = **queue,
         .invoker = **worker,
         .events = *events,
         .metrics = metrics,
         .ids = ids,
         .clock = clock,
         .container_fits = [&](std::uint64_t mb, std::uint64_t milli_cpus
                           ) { return (*worker)->can_ever_fit(mb, milli_cpus); },
         .ready_checks = {[&] { return (*worker)->unready_reason(); }},
         .expect_image = [&](const std::string& image) { (*worker)->expect_image(image); },
         .catalog_changed = [&] { (*worker)->catalog_changed(); }},
        api_settings(settings)
    );

    lanes.start();
    const auto recovered = recover_calls(settings.db, **store, lanes);
    if (!recovered) {
        lanes.stop();
        return give_up(recovered.error().text());
    }
    if (const auto listening = api.start(); !listening) {
        lanes.stop();
        return give_up(listening.error());
    }
    log::info(
        "stoker.listening",
        {{"url", fmt::format("http://{}:{}", settings.listen.host, api.port())},
         {"version", version},
         {"data", settings.data},
         {"recovered_calls", *recovered}}
    );
    (*worker)->start();

    return serve_until_signal(api, **worker, **store, lanes, settings.drain, signals);
}

}  // namespace

int run_start(std::span<const std::string> arguments) {
    const auto loaded = load_start_settings(arguments, process_environment());
    if (!loaded.output.empty()) fmt::print("{}", loaded.output);
    for (const auto& error : loaded.errors) fmt::print(stderr, "stoker start: {}\n", error);
    if (loaded.exit_code) return *loaded.exit_code;
    const auto& settings = loaded.settings;
    log::configure(level_of(settings.log_level), format_of(settings.log_format));
    raise_descriptor_limit();
    Signals signals;
    return serve(settings, signals);
}

}  // namespace stoker
