#pragma once

// Makes sure an image is on this machine before a container is made of it. Pulls of one image are
// coalesced: however many launches want it, the engine is asked once. Thread-safe.

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "common/async/latch.hpp"
#include "worker/containers/container_driver.hpp"

namespace stoker {

class Images {
public:
    Images(ContainerDriver& driver, Millis pull_timeout) :
        driver_(driver),
        pull_timeout_(pull_timeout) {}

    /// Looks the image up, and pulls it when it is absent; `on_pull` is called before that.
    Task<Result<ImageInfo>> ensure(std::string image, std::function<void()> on_pull);

private:
    Task<Result<void>> pull(std::string image);

    ContainerDriver& driver_;
    const Millis pull_timeout_;
    std::mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<Latch<Result<void>>>> pulling_;
};

}  // namespace stoker
