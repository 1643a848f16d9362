#pragma once

// Keeps the images that this worker pulled below a total size: removes those not used for the
// longest time. Leaves alone what somebody else brought here, what is exempt, and what a container
// needs (the engine itself refuses to remove that). Also keeps the record's file. Off when no size
// is set.

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/async/gate.hpp"
#include "common/async/one_shot.hpp"
#include "common/metrics.hpp"
#include "worker/images.hpp"

namespace stoker {

struct ImageCleanerSettings {
    std::uint64_t bytes_max = 0;      ///< 0: nothing is ever removed
    std::vector<std::string> exempt;  ///< images, as functions name them
    std::string record_path;          ///< empty: forgotten at the end of the process
    Millis interval{30'000};          ///< between looks, besides one after each pull
};

class ImageCleaner {
public:
    ImageCleaner(
        ContainerDriver& driver, Images& images, Metrics& metrics, ImageCleanerSettings settings
    );

    /// Reads the record's file before anything is pulled.
    void load();
    void start(Executor lane);
    /// Writes the record a last time.
    Task<> stop(Deadline deadline);

    /// What happens again and again once it is started.
    Task<> look();

private:
    Task<> run();
    Task<> clean();
    /// Whether anything is worth another look: one was removed.
    Task<bool> remove_oldest(const std::vector<std::string>& names, std::set<std::string>& needed);
    Task<> save();
    Task<> pause();
    void wake();

    ContainerDriver& driver_;
    Images& images_;
    const ImageCleanerSettings settings_;
    const std::set<std::string> exempt_;  ///< as the engine lists them
    Counter& removed_;
    std::atomic<std::uint64_t> bytes_{0};
    std::string saved_;  // what the file holds
    Gate gate_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    bool look_again_ = false;
    std::optional<OneShot<bool>> woken_;
};

}  // namespace stoker
