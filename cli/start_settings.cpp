#include "cli/start_settings.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/fn_values.hpp"
#include "cli/setting_kinds.hpp"

namespace stoker {

namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t gib = 1024 * mib;
constexpr std::uint64_t tib = 1024 * gib;
constexpr Millis day{86'400'000};

void add_server(Settings& table, StartSettings& to, std::optional<std::uint16_t>& port, Role role) {
    table.group("Server");
    if (has_api(role)) {
        table.add("listen", to.listen, listen_kind(), "Where to accept HTTP");
        table.add("port", port, port_kind(), "The port of --listen alone").alias("FN_PORT");
        table.add("public-url", to.public_url, public_url_kind(), "How clients reach this server")
            .alias("FN_PUBLIC_LB_URL", unless_zero);
    }
    if (role == Role::api) add_runner_list(table, to.runner);
    if (role == Role::worker) add_runner_endpoint(table, to.runner);
    table.add("insecure", to.insecure, bool_kind(), "Let other machines in without authentication");
    table
        .add(
            "log-level",
            to.log_level,
            choice_kind({"debug", "info", "warn", "error"}),
            "Lowest level logged"
        )
        .alias("FN_LOG_LEVEL", from_logrus_level);
    table
        .add(
            "log-format",
            to.log_format,
            choice_kind({"auto", "json", "text"}),
            "Form of log lines; auto is text on a terminal"
        )
        .alias("FN_LOG_FORMAT");
    table.add("lanes", to.lanes, integer_kind(0, 1024), "Event-loop threads; 0 is one per core");
    table.add(
        "max-connections", to.max_connections, integer_kind(1, 1'000'000), "Connections at once"
    );
}

void add_waiting(Settings& table, StartSettings& to) {
    const auto depth = integer_kind(1, 100'000'000);
    table.add(
        "queue-depth", to.queue_depth, depth, "Waiting and delayed calls; more are refused with 503"
    );
    table.add(
        "queue-depth-per-fn",
        to.queue_depth_per_fn,
        depth,
        "Waiting calls of one function; more are refused with 429"
    );
    table.add(
        "delay-max",
        to.delay_max,
        duration_kind(Millis{0}, std::chrono::days(3'650)),
        "For which a caller may have a call delayed"
    );
    table.add(
        "idempotency-ttl",
        to.idempotency_ttl,
        duration_kind(Millis{1'000}, std::chrono::days(30)),
        "For which the same Idempotency-Key is the same call"
    );
}

void add_sqlite(Settings& table, StartSettings& to) {
    table.add(
        "sqlite-sync",
        to.sqlite_sync,
        choice_kind({"full", "normal"}),
        "full: a 202 outlives a power cut; normal: only a crash of Stoker"
    );
    table.add(
        "disk-reserve",
        to.disk_reserve,
        size_kind(0, tib),
        "Given up on a full disk for running calls to end; at most 1/20 of it"
    );
    table.add(
        "disk-free-min",
        to.disk_free_min,
        size_kind(0, 1024 * tib),
        "Free space below which calls are refused; 0 is 1/20 of the disk, at most 1GiB"
    );
}

void add_storage(Settings& table, StartSettings& to, Role role) {
    table.group("Storage");
    if (has_worker(role)) table.add("data", to.data, path_kind("DIR"), "Folder of the data");
    table
        .add(
            "db",
            to.db,
            db_kind(),
            role == Role::start ? "Datastore: by default sqlite:DATA/stoker.db, or "
                                  "postgres://USER:PASSWORD@HOST/DATABASE"
                                : "Datastore: postgres://USER:PASSWORD@HOST/DATABASE"
        )
        .alias("FN_DB_URL", unless_zero);
    table.add("queue", to.queue, queue_kind(), "Queue of waiting calls")
        .alias("FN_MQ_URL", unless_zero);
    if (role == Role::start) add_sqlite(table, to);
    if (has_api(role)) add_waiting(table, to);
}

void add_worker(Settings& table, StartSettings& to) {
    table.group("Containers");
    table
        .add(
            "memory",
            to.memory,
            size_kind(0, 1024 * tib),
            "Memory for containers; 0 is what there is"
        )
        .alias("FN_MAX_TOTAL_MEMORY_BYTES");
    table.add("cpus", to.cpus, cpus_kind(), "Processors for containers; 0 is what there is")
        .alias("FN_MAX_TOTAL_CPU_MCPUS", as_milli_cpus);
    table.add("docker-host", to.docker_host, docker_host_kind(), "The container engine")
        .alias("DOCKER_HOST", unless_zero);
    table.add("run-dir", to.run_dir, path_kind("DIR"), "Folder of the functions' sockets")
        .alias("FN_IOFS_PATH", unless_zero);
    table
        .add(
            "run-dir-docker",
            to.run_dir_docker,
            engine_path_kind(),
            "The same folder as the engine sees it"
        )
        .alias("FN_IOFS_DOCKER_PATH", unless_zero);
    table.add(
        "start-max",
        to.start_max,
        integer_kind(0, 10'000),
        "Container starts at once; 0 is one per core"
    );
    table.add("pull-max", to.pull_max, integer_kind(1, 10'000), "Waiting calls taken at once");
    table
        .add(
            "init-timeout",
            to.init_timeout,
            duration_kind(Millis{1}, day),
            "Until a started container must be ready"
        )
        .alias("FN_HOT_START_TIMEOUT_MSECS", from_msecs);
    table
        .add("pull-timeout", to.pull_timeout, duration_kind(Millis{1}, day), "For pulling an image")
        .alias("FN_HOT_PULL_TIMEOUT_MSECS", from_msecs);
    add_container_settings(table, to.containers);
    table.group("Images");
    add_image_settings(table, to.images);
}

void add_answer_limits(Settings& table, StartSettings& to) {
    table
        .add(
            "max-response",
            to.max_response,
            size_kind(0, gib),
            "Body of a response that is stored, or comes over stdout as a whole"
        )
        .alias("FN_MAX_RESPONSE_SIZE", unless_zero);
    table.add(
        "max-sync-response",
        to.max_sync_response,
        size_kind(0, tib),
        "Body of a response that is passed on as it comes"
    );
    table
        .add(
            "max-response-header",
            to.max_response_header,
            size_kind(kib, 16 * mib),
            "Header of a function's response"
        )
        .alias("FN_MAX_HDR_RESPONSE_SIZE", unless_zero);
    table.add("max-log", to.max_log, size_kind(0, gib), "Stored log of a call")
        .alias("FN_MAX_LOG_SIZE_BYTES");
}

void add_request_limits(Settings& table, StartSettings& to) {
    table.add(
        "max-async-body",
        to.max_async_body,
        size_kind(0, gib),
        "Request body of an asynchronous call"
    );
    table
        .add(
            "max-sync-body",
            to.max_sync_body,
            size_kind(0, tib),
            "Request body of a synchronous call"
        )
        .alias("FN_MAX_REQUEST_SIZE", unless_zero);
    table
        .add(
            "max-header-bytes", to.max_header_bytes, size_kind(kib, 16 * mib), "Header of a request"
        )
        .alias("FN_MAX_REQUEST_HEADER_SIZE", unless_zero);
    table.add("max-uri-bytes", to.max_uri_bytes, size_kind(256, mib), "Target of a request");
    table
        .add(
            "header-timeout",
            to.header_timeout,
            duration_kind(Millis{1}, day),
            "For reading a request's header"
        )
        .alias("FN_REQUEST_HEADER_READ_TIMEOUT", unless_zero);
    table
        .add(
            "idle-timeout-http",
            to.idle_timeout_http,
            duration_kind(Millis{1}, day),
            "Of a connection without requests"
        )
        .alias("FN_HTTP_IDLE_TIMEOUT", unless_zero);
    table.add(
        "body-timeout",
        to.body_timeout,
        duration_kind(Millis{1}, day),
        "For more of a request's body to come"
    );
    table.add(
        "send-timeout",
        to.send_timeout,
        duration_kind(Millis{1}, day),
        "For a client to take more of its answer"
    );
}

void add_timers(Settings& table, StartSettings& to, Role role) {
    table.group("Timers");
    const auto timer = duration_kind(Millis{10}, day);
    if (has_api(role)) {
        table.add(
            "slot-wait",
            to.slot_wait,
            duration_kind(Millis{1}, day),
            "For a synchronous call to get a container; then 503"
        );
    }
    if (has_worker(role)) {
        table.add("heartbeat", to.heartbeat, timer, "Between signs of life of a worker");
    }
    table.add("lease", to.lease, timer, "Without one until a worker counts as lost");
    table.add(
        "visibility",
        to.visibility,
        timer,
        "From a delivery by the queue until a call nobody claimed is delivered again"
    );
    if (has_api(role)) {
        table.add("sweep-interval", to.sweep_interval, timer, "Between looks for lost workers");
        table.add(
            "sweep-grace",
            to.sweep_grace,
            duration_kind(Millis{0}, day),
            "Beyond the lease before calls are given to others"
        );
    }
    table.add(
        "drain", to.drain, duration_kind(Millis{0}, day), "For running calls to end at shutdown"
    );
}

std::string standard_run_dir() {
    const auto uid = getuid();
    return uid == 0 ? "/run/stoker" : fmt::format("/tmp/stoker-{}", uid);
}

/// What no single value shows to be wrong.
void check_together(const StartSettings& settings, Role role, std::vector<std::string>& errors) {
    const bool is_worker = role == Role::worker;
    const auto& listen = is_worker ? settings.runner.listen : settings.listen;
    if (!settings.insecure && !is_loopback(listen.host)) {
        errors.push_back(fmt::format(
            "--{} {}: other machines could use it, and there is no authentication; "
            "add --insecure if that is meant",
            is_worker ? "runner-listen" : "listen",
            format_listen(listen)
        ));
    }
    if (role != Role::start && errors.empty()) check_shared(settings.db, settings.queue, errors);
    if (settings.memory > 0 && settings.memory < (std::uint64_t{1} << 20U)) {
        errors.emplace_back("--memory: at least 1MiB, or 0 for what there is");
    }
    if (has_worker(role) && settings.lease < 2 * settings.heartbeat) {
        errors.push_back(fmt::format(
            "--lease {}: must be at least twice --heartbeat {}",
            format_duration(settings.lease),
            format_duration(settings.heartbeat)
        ));
    }
}

std::string_view about(Role role) {
    switch (role) {
        case Role::api:
            return "Runs the API. Workers on the same datastore and queue run the calls.";
        case Role::worker:
            return "Runs a worker: takes calls from the queue, and synchronous ones from the APIs.";
        case Role::start: break;
    }
    return "Runs the API and a worker in one process, with everything it stores in one folder.";
}

void add_all(Settings& table, StartSettings& to, std::optional<std::uint16_t>& port, Role role) {
    add_server(table, to, port, role);
    add_storage(table, to, role);
    if (has_worker(role)) add_worker(table, to);
    table.group("Limits");
    if (has_api(role)) add_request_limits(table, to);
    if (has_worker(role)) add_answer_limits(table, to);
    add_timers(table, to, role);
}

}  // namespace

StartOutcome load_start_settings(
    std::span<const std::string> arguments, const Environment& environment, Role role
) {
    StartOutcome outcome;
    auto& settings = outcome.settings;
    settings.run_dir = standard_run_dir();
    // Other processes cannot use these.
    if (role != Role::start) settings.queue.clear();
    std::optional<std::uint16_t> port;
    Settings table(
        fmt::format("stoker {} [flags]", to_word(role)),
        std::string(about(role)),
        Settings::File::allowed
    );
    add_all(table, settings, port, role);

    auto loaded = table.load(arguments, environment);
    if (loaded.help) {
        outcome.output = table.help_text();
        outcome.exit_code = 0;
        return outcome;
    }
    if (has_api(role) && port && table.source_of("port") >= table.source_of("listen"))
        settings.listen.port = *port;
    // Fn has one bound for both.
    if (has_worker(role) && table.source_of("max-response") == SettingSource::alias &&
        table.source_of("max-sync-response") == SettingSource::standard) {
        settings.max_sync_response = settings.max_response;
    }
    if (settings.db.empty() && role == Role::start)
        settings.db = "sqlite:" + settings.data + "/stoker.db";
    for (const auto& word : loaded.positionals) {
        loaded.errors.push_back(fmt::format("unexpected argument \"{}\"", word));
    }
    check_together(settings, role, loaded.errors);
    outcome.errors = std::move(loaded.errors);
    if (!outcome.errors.empty()) {
        outcome.exit_code = 2;
    } else if (loaded.print_config) {
        outcome.output = table.config_text();
        outcome.exit_code = 0;
    }
    return outcome;
}

bool is_loopback(const std::string& host) {
    if (host == "localhost") return true;
    error_code failed;
    const auto address = asio::ip::make_address(host, failed);
    return !failed && address.is_loopback();
}

}  // namespace stoker
