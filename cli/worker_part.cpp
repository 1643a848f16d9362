#include "cli/worker_part.hpp"

#include "cli/part_settings.hpp"
#include "common/log.hpp"
#include "worker/machine.hpp"

namespace stoker {

namespace {

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

}  // namespace

Result<std::unique_ptr<WorkerPart>> WorkerPart::open(
    Ground& ground, const StartSettings& settings
) {
    const auto memory_mb = detect_memory_mb("/", static_cast<std::int64_t>(settings.memory >> 20U));
    if (!memory_mb) return fail(Errc::internal, "too little memory is free to run any function");
    auto instance = load_instance(settings.data, ground.ids);
    if (!instance) return fail(std::move(instance.error()));
    auto engine = parse_http_address(settings.docker_host);
    if (!engine) return fail(Errc::invalid_request, std::move(engine.error()));
    auto credentials = load_credentials(settings);
    if (!credentials) return fail(std::move(credentials.error()));

    const auto for_worker = worker_settings(settings, instance->name, *memory_mb);
    std::unique_ptr<WorkerPart> part(
        new WorkerPart(std::move(*instance), std::move(*engine), std::move(*credentials))
    );
    auto worker = Worker::open(
        {ground.lanes,
         *ground.store,
         *ground.queue,
         *ground.events,
         part->driver_,
         ground.ids,
         ground.metrics},
        for_worker
    );
    if (!worker) return fail(std::move(worker.error()));
    part->worker_ = std::move(*worker);
    return part;
}

}  // namespace stoker
