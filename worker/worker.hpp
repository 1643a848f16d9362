#pragma once

// A worker process's one object: builds the agent's parts, keeps the lease, and says whether it can
// do its work. Created and stopped by cli.

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "common/async/gate.hpp"
#include "common/async/lanes.hpp"
#include "common/metrics.hpp"
#include "datastore/datastore.hpp"
#include "model/call_events.hpp"
#include "model/id.hpp"
#include "model/invoker.hpp"
#include "queue/message_queue.hpp"
#include "worker/agent.hpp"
#include "worker/call_runner.hpp"
#include "worker/claimer.hpp"
#include "worker/engine_watch.hpp"
#include "worker/idle_steal.hpp"
#include "worker/image_cleaner.hpp"
#include "worker/images.hpp"
#include "worker/launcher.hpp"
#include "worker/live_calls.hpp"
#include "worker/memory.hpp"
#include "worker/run_dir.hpp"
#include "worker/slot_pool.hpp"
#include "worker/socket_watcher.hpp"
#include "worker/warm_fns.hpp"
#include "worker/worker_lease.hpp"

namespace stoker {

struct WorkerSettings {
    std::string instance;  ///< stays the same over restarts: leftovers are found by it
    std::string host;
    std::string run_dir;
    std::string run_dir_engine;  ///< as the engine sees it; empty when it is the same
    std::int64_t memory_mb = 0;  ///< what containers may use in all
    LaunchPolicy launch;
    std::uint32_t pull_max = 64;
    Confinement confinement;
    std::vector<std::string> networks;  ///< containers are spread over them; empty: the engine's
    std::string label_tag;              ///< of Fn's label; empty: none
    Millis freeze_idle{50};             ///< idle containers are frozen after that; 0: never
    Millis init_timeout{5'000};
    PullPolicy pull;
    bool allow_volumes = false;  ///< of images
    std::string load_file;       ///< images taken in before the first call; empty for none
    ImageCleanerSettings cleaner;
    AnswerLimits answers;
    std::size_t log_bytes_max = 1024UL * 1024;
    Millis heartbeat{3'000};
    Millis lease{15'000};
};

class Worker final : public Invoker {
public:
    struct Deps {
        Lanes& lanes;
        Datastore& store;
        MessageQueue& queue;
        CallEvents& events;
        ContainerDriver& driver;
        IdSource& ids;
        Metrics& metrics;
    };

    /// Makes the run folder; an Error is fatal.
    static Result<std::unique_ptr<Worker>> open(Deps deps, WorkerSettings settings);

    /// Tells the others where its runner endpoint is, `host:port`, and how busy it is. Before
    /// start().
    void be_reached_at(std::string address);
    /// Waits for the engine, removes leftovers, registers and then pulls calls, all in the
    /// background.
    void start();
    /// Takes no more calls, hands back those that have not started, gives running ones until
    /// `grace`, then kills and hands back what is left; removes containers and the worker's row.
    Task<> stop(Deadline grace);

    Task<Result<void>> invoke(
        Invocation invocation, BodySource& body, AnswerSink& answer, Deadline give_up
    ) override;

    /// A call of the function that came now would soon have a container, or the worker knows that
    /// it never can.
    bool has_room_for(const FnSpec& fn) const;

    /// Calls that need the image have been accepted: it is pulled ahead. Any thread, cheap.
    void expect_image(const std::string& image);

    /// Empty when calls can run here.
    std::string unready_reason() const;
    bool can_ever_fit(std::uint64_t memory_mb, std::uint64_t milli_cpus) const {
        return slots_.can_ever_fit(memory_mb, milli_cpus);
    }
    /// A function or an app was made, changed or deleted. Any thread, cheap.
    void catalog_changed() { warm_fns_.changed(); }

private:
    Worker(Deps deps, WorkerSettings settings, RunDir run_dir);

    Task<> come_up();
    Task<> load_images();
    WorkerLease::Hooks lease_hooks();
    WorkerProfile profile(const std::string& address) const;
    Task<> report_progress();
    Waiting waiting_of(const std::string& slot_key, const std::string& image) const;
    void stop_cancelled(const std::vector<std::string>& call_ids);
    Task<bool> freeze(ContainerRef container);
    void add_gauges();

    Deps deps_;
    const WorkerSettings settings_;
    RunDir run_dir_;
    MemoryTokens memory_;
    SocketWatcher watcher_;
    Syslog syslog_;
    const SystemClock clock_;
    ImageRecord image_record_{clock_};
    Images images_;
    ImageCleaner cleaner_;
    Launcher launcher_;
    SlotPool slots_;
    WarmFns warm_fns_;
    Agent agent_;
    LiveCalls live_;
    CallRunner runner_;
    IdleSteal steal_;
    Claimer claimer_;
    EngineWatch engine_;
    Gate background_;
    std::atomic<bool> stopping_{false};
    std::atomic<bool> up_{false};
    std::atomic<bool> images_loaded_{true};
    WorkerLease lease_;
    Latch<bool> stopped_;  // the drain has begun
    Latch<bool> ended_;    // no call of ours is left
};

}  // namespace stoker
