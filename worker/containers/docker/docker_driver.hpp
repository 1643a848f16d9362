#pragma once

// ContainerDriver over Docker's Engine API (Docker 20.10 or later; Podman serves the same API).
// Made by cli. Thread-safe: see ContainerDriver.

#include <atomic>
#include <filesystem>

#include "worker/containers/cgroup/container_cgroups.hpp"
#include "worker/containers/container_driver.hpp"
#include "worker/containers/docker/docker_engine.hpp"
#include "worker/containers/docker/image_reference.hpp"
#include "worker/containers/docker/registry_credentials.hpp"

namespace stoker {

class DockerDriver final : public ContainerDriver {
public:
    /// `cgroup_root` is where this machine's /proc and /sys are; empty: freezing and measuring go
    /// through the engine.
    explicit DockerDriver(
        HttpAddress engine,
        RegistryCredentials credentials = {},
        std::filesystem::path cgroup_root = "/"
    ) :
        engine_(std::move(engine)),
        credentials_(std::move(credentials)),
        cgroups_(std::move(cgroup_root)) {}

    Task<Result<void>> ping(Deadline deadline) override;
    Task<Result<std::vector<std::string>>> list_leftovers(std::string instance, Deadline deadline)
        override;
    Task<Result<ImageInfo>> inspect_image(std::string image, Deadline deadline) override;
    Task<Result<void>> pull_image(std::string image, PullOptions options, Deadline deadline)
        override;
    Task<Result<std::vector<StoredImage>>> list_images(Deadline deadline) override;
    Task<Result<bool>> remove_image(std::string name, Deadline deadline) override;
    Task<Result<void>> load_image(std::string tar_path, Deadline deadline) override;
    Task<Result<std::string>> create(ContainerSpec spec, Deadline deadline) override;
    Task<Result<void>> start(std::string id, Deadline deadline) override;
    Task<Result<std::unique_ptr<ContainerStreams>>> attach(
        std::string id, AttachOptions options, Deadline deadline
    ) override;
    Task<Result<ExitStatus>> wait(std::string id, Deadline deadline) override;
    Task<Result<std::optional<ContainerState>>> inspect(std::string id, Deadline deadline) override;
    void has_process(const std::string& id, int pid) override;
    Task<Result<void>> freeze(std::string id, Deadline deadline) override;
    Task<Result<void>> thaw(std::string id, Deadline deadline) override;
    std::optional<ContainerStats> stats_now(const std::string& id) override;
    Task<Result<ContainerStats>> stats(std::string id, Deadline deadline) override;
    Task<Result<void>> kill(std::string id, std::string signal, Deadline deadline) override;
    Task<Result<void>> remove(std::string id, Deadline deadline) override;

private:
    using CgroupRef = std::shared_ptr<const Cgroup>;
    Task<Result<HttpAnswer>> post_create(const ContainerSpec& spec, Deadline deadline);
    /// Null when it is out of reach.
    Task<Result<CgroupRef>> cgroup_of(std::string id, Deadline deadline);
    /// SIGKILL does not reach a group that version 1 froze.
    Task<> thaw_before_its_end(std::string id, Deadline deadline);
    /// When the engine is lost: one that starts again ends what ran without it, and could not end
    /// what stands still.
    void thaw_if_frozen(const std::string& id);

    DockerEngine engine_;
    const RegistryCredentials credentials_;
    ContainerCgroups cgroups_;
    std::atomic<bool> swappiness_refused_{false};
};

}  // namespace stoker
