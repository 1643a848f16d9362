#pragma once

// A proxy on loopback before a server of the test: it can stall in the middle of an answer, and
// break connections without the server's doing.

#include <atomic>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"

namespace stoker::test {

/// Passes connections on to a port of loopback, each answer only up to a number of bytes until it
/// is let go.
class StallingProxy {
public:
    static constexpr auto never = std::numeric_limits<std::uint64_t>::max();

    explicit StallingProxy(int to_port, std::uint64_t bytes_max = never);
    ~StallingProxy();
    StallingProxy(const StallingProxy&) = delete;
    StallingProxy& operator=(const StallingProxy&) = delete;

    int port() const { return port_; }
    std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
    /// From now on everything passes, in connections that stall, too.
    void let_go();
    /// Breaks the connections there are.
    void cut();
    bool has_stalled() const { return stalled_ > 0; }

private:
    struct Connection {
        UniqueFd client;
        UniqueFd server;
    };
    using ConnectionRef = std::shared_ptr<Connection>;
    void accept_all();
    void pass_on(const ConnectionRef& connection, int from, int to, bool may_stall);
    bool wait_to_go_on(int from);

    const int to_port_;
    const std::uint64_t bytes_max_;
    int port_ = 0;
    UniqueFd listener_;
    std::atomic<bool> open_{false};
    std::atomic<bool> ending_{false};
    std::atomic<int> stalled_{0};
    std::mutex mutex_;
    std::vector<ConnectionRef> connections_;
    std::list<std::thread> threads_;
    std::thread acceptor_;
};

}  // namespace stoker::test
