#pragma once

// Watches the room on the file system of one folder, and keeps a reserve: a file of real blocks
// that is given up when the disk is full, so that what already runs can write its end.
//
//   enough  new calls come in
//   low     less is free than the bound: no new calls; those that wait are run
//   full    a write found no room: the reserve is given up for what runs, and nothing new is begun;
//           over when there is room for the reserve and as much again
//
// A look is one statvfs; a thread of its own looks several times a second. Thread-safe; reading the
// state costs an atomic load.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "common/metrics.hpp"

namespace stoker {

struct DiskSpaceOptions {
    std::uint64_t reserve_bytes = std::uint64_t{64} << 20;  ///< at most a twentieth of the disk
    /// New calls need this much; 0 is a twentieth of the disk, but at most 1 GiB.
    std::uint64_t free_bytes_min = 0;
    std::chrono::milliseconds look_every{250};  ///< 0: only when look() is called
};

class DiskSpace {
public:
    enum class State : std::uint8_t { enough, low, full };

    /// The folder exists. Nothing is measured or written before the first look().
    DiskSpace(std::filesystem::path folder, DiskSpaceOptions options, Metrics& metrics);
    ~DiskSpace() { stop(); }
    DiskSpace(const DiskSpace&) = delete;
    DiskSpace& operator=(const DiskSpace&) = delete;

    State state() const { return shown_->state.load(std::memory_order_relaxed); }
    /// Why new calls are not taken; empty when they are.
    std::string reason() const;

    /// A write found no room: gives up the reserve.
    void ran_out(std::string_view what);
    /// Measures, and keeps or makes the reserve.
    void look();
    /// Looks again and again from now on.
    void start();
    void stop();

private:
    struct Room {
        std::uint64_t total = 0;
        std::uint64_t free = 0;
    };
    /// Outlives this object in the metrics that show it.
    struct Shown {
        std::atomic<State> state{State::enough};
        std::atomic<std::uint64_t> free{0};
        std::atomic<std::uint64_t> needed{0};
        std::atomic<std::uint64_t> reserve{0};
    };

    bool measure(Room& room) const;
    void judge(const Room& room);
    bool make_reserve(std::uint64_t bytes);
    void enter(State next);
    void watch();

    const std::filesystem::path folder_;
    const std::filesystem::path reserve_file_;
    const DiskSpaceOptions options_;
    const std::shared_ptr<Shown> shown_ = std::make_shared<Shown>();

    std::mutex mutex_;   // of a look and of giving up the reserve
    bool spent_ = true;  // the reserve has to be made before anything new is begun

    std::mutex stop_mutex_;
    std::condition_variable stop_wake_;
    bool stopping_ = false;
    std::thread watcher_;
};

}  // namespace stoker
