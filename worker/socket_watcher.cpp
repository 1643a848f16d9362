#include "worker/socket_watcher.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <sys/inotify.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/async/spawn.hpp"

namespace stoker {

SocketWatcher::SocketWatcher(Executor lane) :
    inotify_(std::make_shared<Descriptor>(lane, ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC))) {}

SocketWatcher::~SocketWatcher() = default;

void SocketWatcher::start() { spawn(inotify_->get_executor(), "socket_watcher", read_events()); }

void SocketWatcher::stop() {
    asio::post(inotify_->get_executor(), [inotify = inotify_] {
        error_code ignored;
        inotify->close(ignored);
    });
}

Result<SocketWatcher::Watch> SocketWatcher::watch(const std::string& folder) {
    const std::scoped_lock lock(mutex_);
    const int id = ::inotify_add_watch(
        inotify_->native_handle(), folder.c_str(), IN_CREATE | IN_MOVED_TO | IN_ATTRIB
    );
    if (id < 0) return fail(Errc::internal, {}, std::string("inotify: ") + std::strerror(errno));
    armed_[id].reset();
    return Watch(this, id);
}

OneShot<bool> SocketWatcher::arm(int id, Executor lane) {
    OneShot<bool> change(lane);
    const std::scoped_lock lock(mutex_);
    armed_[id] = change;
    return change;
}

void SocketWatcher::remove(int id) {
    const std::scoped_lock lock(mutex_);
    armed_.erase(id);
    ::inotify_rm_watch(inotify_->native_handle(), id);
}

Task<> SocketWatcher::read_events() {
    auto inotify = inotify_;
    alignas(inotify_event) std::array<char, 16 * 1024> buffer;
    for (;;) {
        error_code failed;
        const auto size = co_await inotify->async_read_some(
            asio::buffer(buffer), asio::redirect_error(use_task, failed)
        );
        if (failed) co_return;
        const std::scoped_lock lock(mutex_);
        for (std::size_t at = 0; at < size;) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            at += sizeof event + event.len;
            if ((event.mask & IN_Q_OVERFLOW) != 0) {
                // Events were dropped: let everybody look again.
                for (auto& [id, waiter] : armed_) {
                    if (waiter) std::exchange(waiter, std::nullopt)->set(true);
                }
                continue;
            }
            const auto found = armed_.find(event.wd);
            if (found != armed_.end() && found->second) {
                std::exchange(found->second, std::nullopt)->set(true);
            }
        }
    }
}

}  // namespace stoker
