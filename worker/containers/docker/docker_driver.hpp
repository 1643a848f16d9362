#pragma once

// ContainerDriver over Docker's Engine API (Docker 20.10 or later; Podman serves the same API).
// Made by cli. Thread-safe: see ContainerDriver.

#include <atomic>

#include "worker/containers/container_driver.hpp"
#include "worker/containers/docker/docker_engine.hpp"
#include "worker/containers/docker/image_reference.hpp"

namespace stoker {

class DockerDriver final : public ContainerDriver {
public:
    explicit DockerDriver(HttpAddress engine) : engine_(std::move(engine)) {}

    Task<Result<void>> ping(Deadline deadline) override;
    Task<Result<std::vector<std::string>>> list_leftovers(std::string instance, Deadline deadline)
        override;
    Task<Result<ImageInfo>> inspect_image(std::string image, Deadline deadline) override;
    Task<Result<void>> pull_image(std::string image, OnPullProgress progress, Deadline deadline)
        override;
    Task<Result<void>> load_image(std::string tar_path, Deadline deadline) override;
    Task<Result<std::string>> create(ContainerSpec spec, Deadline deadline) override;
    Task<Result<void>> start(std::string id, Deadline deadline) override;
    Task<Result<std::unique_ptr<ContainerStreams>>> attach(
        std::string id, AttachOptions options, Deadline deadline
    ) override;
    Task<Result<ExitStatus>> wait(std::string id, Deadline deadline) override;
    Task<Result<std::optional<ContainerState>>> inspect(std::string id, Deadline deadline) override;
    Task<Result<void>> kill(std::string id, std::string signal, Deadline deadline) override;
    Task<Result<void>> remove(std::string id, Deadline deadline) override;

private:
    Task<Result<HttpAnswer>> post_create(const ContainerSpec& spec, Deadline deadline);

    DockerEngine engine_;
    std::atomic<bool> swappiness_refused_{false};
};

}  // namespace stoker
