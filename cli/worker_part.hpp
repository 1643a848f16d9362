#pragma once

// The worker of a process with what only it needs: the container engine and the name of the
// installation.

#include <memory>

#include "cli/ground.hpp"
#include "cli/instance.hpp"
#include "cli/start_settings.hpp"
#include "worker/containers/docker/docker_driver.hpp"
#include "worker/worker.hpp"

namespace stoker {

class WorkerPart {
public:
    /// The Error's message is for the operator.
    static Result<std::unique_ptr<WorkerPart>> open(Ground& ground, const StartSettings& settings);

    Worker& worker() { return *worker_; }

private:
    WorkerPart(Instance instance, HttpAddress engine, RegistryCredentials credentials) :
        instance_(std::move(instance)),
        driver_(std::move(engine), std::move(credentials)) {}

    const Instance instance_;
    DockerDriver driver_;
    std::unique_ptr<Worker> worker_;
};

}  // namespace stoker
