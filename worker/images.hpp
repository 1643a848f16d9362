#pragma once

// Makes sure an image is on this machine before a container is made of it. Pulls of one image are
// coalesced: however many launches want it, the engine is asked once. A pull belongs to none of
// them: it has a deadline of its own, tries again what may pass, and goes on when they leave.
// Thread-safe.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "common/async/latch.hpp"
#include "common/metrics.hpp"
#include "worker/containers/container_driver.hpp"
#include "worker/image_record.hpp"

namespace stoker {

struct PullPolicy {
    Millis timeout{600'000};  ///< of all tries together
    Millis silence_max{120'000};
    int tries_max = 4;
    Millis pause_min{1'000};  ///< between tries; twice as long each time
};

class Images {
public:
    Images(ContainerDriver& driver, ImageRecord& record, Metrics& metrics, PullPolicy policy);

    /// Looks the image up, and pulls it when it is absent; `on_pull` is called before that.
    Task<Result<ImageInfo>> ensure(std::string image, std::function<void()> on_pull);

    /// Calls that will need the image have been accepted: the first time it is pulled ahead, on the
    /// lane given. Cheap.
    void expect(const std::string& image, Executor lane);
    /// The image listed by this name was removed: the next expect() counts again.
    void forget(const std::string& name);

    /// Whether it is being pulled, and how far that is, for people: `image x: 1.2 of 3.4 MB, 1 of 3
    /// layers`. Empty when it is not.
    std::string pull_state(const std::string& image) const;

    /// Whoever waits for a pull hears shutting_down. The engine gives up a pull once nobody
    /// listens, which is when the process ends.
    void stop();

    /// Called after each pull, on its lane. Set before the first one.
    void on_pulled(std::function<void()> callback) { on_pulled_ = std::move(callback); }

    ImageRecord& record() { return record_; }

private:
    struct Pull;
    using PullRef = std::shared_ptr<Pull>;

    Task<Result<void>> pull(std::string image);
    Task<> run(PullRef pull);
    Task<Result<void>> try_until_done(PullRef pull);
    Task<> look_ahead(std::string image);
    void report(Pull& pull, const PullProgress& progress);

    ContainerDriver& driver_;
    ImageRecord& record_;
    const PullPolicy policy_;
    Counter& pulled_;
    Counter& failed_;
    Counter& retried_;
    Histogram& seconds_;
    std::function<void()> on_pulled_ = [] {};
    mutable std::mutex mutex_;
    std::unordered_map<std::string, PullRef> pulling_;
    std::unordered_set<std::string> expected_;
    std::atomic<bool> stopping_{false};
    Latch<bool> stopped_;
};

}  // namespace stoker
