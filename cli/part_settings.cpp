#include "cli/part_settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "cli/version.hpp"
#include "queue/open_queue.hpp"
#include "worker/machine.hpp"

namespace stoker {

namespace {

std::string host_name() {
    std::array<char, 256> name{};
    ::gethostname(name.data(), name.size() - 1);
    return name.data();
}

}  // namespace

std::size_t cores() { return std::max(1U, std::thread::hardware_concurrency()); }

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
        settings.start_max > 0 ? static_cast<std::size_t>(settings.start_max) : cores();
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
    api.sweeper.redispatch_slack = 2 * settings.visibility;
    api.sweeper.queue_starts_empty = !is_shared_queue(settings.queue);
    return api;
}

}  // namespace stoker
