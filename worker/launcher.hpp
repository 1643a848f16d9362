#pragma once

// Brings one container up and takes it down: image, folder, create, start, the function's pipes
// and, if it is to listen on one, its socket. Knows nothing of slots or waiting calls. Used on any
// lane.

#include <functional>
#include <mutex>
#include <set>
#include <string>

#include "common/async/turns.hpp"
#include "model/id.hpp"
#include "worker/container.hpp"
#include "worker/containers/container_driver.hpp"
#include "worker/images.hpp"
#include "worker/launch_times.hpp"
#include "worker/networks.hpp"
#include "worker/run_dir.hpp"
#include "worker/slot_pool.hpp"
#include "worker/socket_watcher.hpp"
#include "worker/start_watch.hpp"
#include "worker/syslog/syslog.hpp"

namespace stoker {

struct LauncherSettings {
    std::string instance;  ///< labels containers, so that leftovers are found
    std::string host;      ///< as syslog messages name it
    Confinement confinement;
    std::vector<std::string> networks;
    std::string label_tag;
    Millis init_timeout{5000};
    bool allow_volumes = false;  ///< of images; nothing bounds what a function writes there
    std::size_t start_max = 4;   ///< containers being made and started at once
};

class Launcher {
public:
    Launcher(
        ContainerDriver& driver,
        Images& images,
        const RunDir& run_dir,
        SocketWatcher& watcher,
        IdSource& ids,
        Syslog& syslog,
        Metrics& metrics,
        LauncherSettings settings
    );

    /// On the current lane, which becomes the container's home. An Error's detail holds what the
    /// function printed before it failed.
    Task<Result<ContainerRef>> launch(
        FnSpecRef fn, MemoryTokens::Token memory, LaunchReport report
    );
    /// Until it is gone, whatever the engine does meanwhile, or stop() was called.
    Task<> remove(ContainerRef container);
    Task<> kill(ContainerRef container);
    /// False: it can be neither used nor left as it is, and has to be removed.
    Task<bool> freeze(ContainerRef container);
    Task<bool> thaw(ContainerRef container);

    /// Removes containers that an earlier life of this instance left behind; an Error when that is
    /// not certain.
    Task<Result<void>> remove_leftovers();
    /// Removes containers of this instance that none of ours is: an engine that hangs may carry out
    /// a create after its container was given up and removed by name.
    Task<> remove_strays();

    /// Whether the engine starts what it is asked to.
    StartWatch& starts() { return starts_; }
    const StartWatch& starts() const { return starts_; }

    /// The worker that containers are labelled with from now on. Any thread.
    void set_worker(const std::string& id);

    /// remove() gives up after its current try; leftovers are for the next start.
    void stop() { stopping_ = true; }

    /// Called on the home lane when a container's process has ended.
    void on_exit(std::function<void(ContainerRef)> callback) { on_exit_ = std::move(callback); }

private:
    ContainerSpec container_spec(const Container& container, const ImageInfo& image) const;
    /// `names` in parallel; how many could not be removed.
    Task<std::size_t> remove_all(std::vector<std::string> names);
    Task<Result<ContainerRef>> start(ContainerRef container, ImageInfo image, LaunchReport report);
    Task<Result<void>> make_and_start(ContainerRef container, const ImageInfo& image);
    Task<Result<void>> remove_in_turn(std::string id);
    void note_answer(const Error* error);
    Task<Result<void>> bring_up(ContainerRef container, const ImageInfo& image);
    Task<Result<std::string>> create(ContainerRef container, const ImageInfo& image);
    Task<Result<void>> wait_for_socket(
        ContainerRef container, SocketWatcher::Watch& watch, Deadline ready_by
    );
    std::unique_ptr<SyslogTap> syslog_tap(const Container& container);
    Task<> watch_exit(ContainerRef container);

    ContainerDriver& driver_;
    Images& images_;
    const RunDir& run_dir_;
    SocketWatcher& watcher_;
    IdSource& ids_;
    Syslog& syslog_;
    const LauncherSettings settings_;
    Networks networks_;
    const LaunchTimes times_;
    Histogram& freeze_seconds_;
    Histogram& thaw_seconds_;
    Turns start_turns_;
    Turns removal_turns_;
    StartWatch starts_;
    mutable std::mutex mutex_;
    std::string worker_;
    std::set<std::string> names_;  ///< of the containers that are, or may be, in the engine
    std::function<void(ContainerRef)> on_exit_ = [](const ContainerRef&) {};
    std::atomic<bool> stopping_{false};
};

}  // namespace stoker
