#pragma once

// Brings messages to one syslog server: a bounded queue that anybody may fill without waiting, and
// a task on one lane that keeps the connection and empties it. What does not fit, or what the
// server does not take, is dropped and counted. Thread-safe, but for run().

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "common/async/latch.hpp"
#include "common/metrics.hpp"
#include "worker/syslog/syslog_address.hpp"

namespace stoker {

class SyslogSender {
public:
    static constexpr std::size_t queue_bytes_max = 4UL * 1024 * 1024;

    SyslogSender(Executor lane, SyslogAddress address, Counter& sent, Counter& dropped);

    /// One more user; false when it has ended.
    bool join();
    void leave();
    void push(std::string message);
    /// It ends after its current try.
    void close();

    /// On its lane, once: until close(), or until nobody uses it and all is sent.
    static Task<> run(std::shared_ptr<SyslogSender> self);

private:
    using Messages = std::deque<std::string>;
    /// The next messages; empty: it is over.
    Task<std::optional<Messages>> take();
    Task<bool> send(const Messages& messages);
    Task<bool> send_stream(const Messages& messages);
    Task<bool> send_datagrams(const Messages& messages);
    void wake();  // with the mutex held

    const Executor lane_;
    const SyslogAddress address_;
    Counter& sent_;
    Counter& dropped_;
    std::optional<HttpConnection> connection_;  // of run() only
    Latch<bool> closed_;

    std::mutex mutex_;
    Messages queue_;
    std::size_t queue_bytes_ = 0;
    std::size_t users_ = 0;
    bool ended_ = false;
    std::optional<OneShot<bool>> sleeping_;
};

}  // namespace stoker
