#pragma once

// The seam to a container engine. One driver per worker, made by cli and outliving all that awaits
// it. Thread-safe: a call runs on the lane that awaits it and nothing is shared between calls. The
// driver neither limits how many requests run at once nor retries (but for wait()): that is the
// caller's policy.
//
// Every call ends by its deadline. Errors:
//   engine_unavailable  the engine cannot be reached, or did not answer by the deadline
//   image_not_found     the image does not exist, here (inspect, create) or anywhere (pull)
//   pull_failed         the engine could not fetch the image; worth another try
//   pull_timeout        the pull's deadline passed
//   pull_denied         the registry wants other credentials
//   init_failed         start: the image's entrypoint is missing or cannot be executed
//   internal            the engine refused; its words are the detail

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/async/task.hpp"
#include "model/error.hpp"
#include "worker/containers/container_spec.hpp"

namespace stoker {

/// Suggested limits, for callers to turn into deadlines.
struct EngineTimes {
    std::chrono::seconds ping{2};
    std::chrono::seconds request{30};  ///< create, start, inspect, kill, attach, list
    std::chrono::seconds freeze{5};    ///< freeze, thaw
    std::chrono::seconds remove{60};
    std::chrono::seconds pull{600};
};

/// The stdio of one container. Belongs to the lane that opened it; one reader and one writer at a
/// time. Destroying it detaches, which ends the container's stdin and nothing else.
class ContainerStreams {
public:
    virtual ~ContainerStreams() = default;
    /// The next piece of output; empty data when the container closed both streams. A read that
    /// ends by its deadline (engine_unavailable) has lost nothing: read again.
    virtual Task<Result<OutputFrame>> read(Deadline deadline) = 0;
    /// Writes all of it to stdin.
    virtual Task<Result<void>> write(std::string_view data, Deadline deadline) = 0;
    virtual void close_stdin() = 0;
};

class ContainerDriver {
public:
    virtual ~ContainerDriver() = default;

    virtual Task<Result<void>> ping(Deadline deadline) = 0;
    /// Names of all containers, running or not, labelled stoker.instance=`instance`.
    virtual Task<Result<std::vector<std::string>>> list_leftovers(
        std::string instance, Deadline deadline
    ) = 0;

    virtual Task<Result<ImageInfo>> inspect_image(std::string image, Deadline deadline) = 0;
    /// The message of an error is Fn's: `Failed to pull image 'x': …`.
    virtual Task<Result<void>> pull_image(
        std::string image, PullOptions options, Deadline deadline
    ) = 0;
    virtual Task<Result<std::vector<StoredImage>>> list_images(Deadline deadline) = 0;
    /// By one of its names; the layers go with the last name. False when a container, running or
    /// not, still needs it. One that does not exist counts as removed.
    virtual Task<Result<bool>> remove_image(std::string name, Deadline deadline) = 0;
    /// Takes in the images of a `docker save` archive on this machine.
    virtual Task<Result<void>> load_image(std::string tar_path, Deadline deadline) = 0;

    /// The container's id. A deadline that passes may leave the container behind: remove by name.
    virtual Task<Result<std::string>> create(ContainerSpec spec, Deadline deadline) = 0;
    virtual Task<Result<void>> start(std::string id, Deadline deadline) = 0;
    /// Before start() nothing is missed.
    virtual Task<Result<std::unique_ptr<ContainerStreams>>> attach(
        std::string id, AttachOptions options, Deadline deadline
    ) = 0;
    /// Held until the container, which must have been started, is not running. Losing the engine is
    /// no error: it is asked again, at growing intervals, until it knows. A container it no longer
    /// knows has exited without a code. Holds one connection.
    virtual Task<Result<ExitStatus>> wait(std::string id, Deadline deadline) = 0;
    /// Empty when the engine does not know the container.
    virtual Task<Result<std::optional<ContainerState>>> inspect(
        std::string id, Deadline deadline
    ) = 0;
    /// A process of a container that runs, seen on this machine: saves asking the engine for one
    /// when it is first frozen or measured.
    virtual void has_process(const std::string& id, int pid) = 0;
    /// Stops every process of it where it stands, until thaw(); returns when they stand still. Not
    /// together with another freeze, thaw or remove of the same container.
    virtual Task<Result<void>> freeze(std::string id, Deadline deadline) = 0;
    /// One that is not frozen counts as success.
    virtual Task<Result<void>> thaw(std::string id, Deadline deadline) = 0;
    /// What it has used, when that takes microseconds; empty when the engine has to be asked.
    virtual std::optional<ContainerStats> stats_now(const std::string& id) = 0;
    virtual Task<Result<ContainerStats>> stats(std::string id, Deadline deadline) = 0;
    /// `signal` as "SIGTERM". A frozen container is thawed for it. A container that is not running
    /// or does not exist counts as success.
    virtual Task<Result<void>> kill(std::string id, std::string signal, Deadline deadline) = 0;
    /// Kills it, frozen or not, removes it and its anonymous volumes, and returns once it is gone.
    /// One that does not exist, or that somebody else is removing, counts as success. Takes an id
    /// or a name.
    virtual Task<Result<void>> remove(std::string id, Deadline deadline) = 0;
};

}  // namespace stoker
