#pragma once

// One inotify instance for all socket folders (the kernel's default allows 128 instances per user,
// but many watches). Tells a Task on any lane that something appeared in a folder. Thread-safe.

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "common/async/one_shot.hpp"
#include "model/error.hpp"

namespace stoker {

class SocketWatcher {
public:
    /// Ends its watch when destroyed.
    class Watch {
    public:
        Watch(Watch&& other) noexcept :
            watcher_(std::exchange(other.watcher_, nullptr)),
            id_(other.id_) {}
        Watch& operator=(Watch&&) = delete;
        ~Watch() {
            if (watcher_) watcher_->remove(id_);
        }
        /// Set at the next change in the folder after this call: arm first, then look, then wait.
        OneShot<bool> next_change(Executor lane) { return watcher_->arm(id_, lane); }

    private:
        friend class SocketWatcher;
        Watch(SocketWatcher* watcher, int id) : watcher_(watcher), id_(id) {}
        SocketWatcher* watcher_;
        int id_;
    };

    explicit SocketWatcher(Executor lane);
    ~SocketWatcher();

    /// Starts reading events on the lane.
    void start();
    void stop();

    Result<Watch> watch(const std::string& folder);

private:
    using Descriptor = asio::posix::basic_stream_descriptor<Executor>;

    Task<> read_events();
    OneShot<bool> arm(int id, Executor lane);
    void remove(int id);

    std::mutex mutex_;
    std::unordered_map<int, std::optional<OneShot<bool>>> armed_;
    std::shared_ptr<Descriptor> inotify_;
};

}  // namespace stoker
