#pragma once

// A proxy before a server of the test on loopback: it can stall in the middle of an answer, be
// slow, and break connections without the server's doing.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include "common/unique_fd.hpp"

namespace stoker::test {

/// Passes connections on to a port of loopback, each answer only up to a number of bytes until it
/// is let go.
class StallingProxy {
public:
    static constexpr auto never = std::numeric_limits<std::uint64_t>::max();

    explicit StallingProxy(
        int to_port, std::uint64_t bytes_max = never, std::string listen_on = "127.0.0.1"
    );
    ~StallingProxy();
    StallingProxy(const StallingProxy&) = delete;
    StallingProxy& operator=(const StallingProxy&) = delete;

    int port() const { return port_; }
    std::string host() const { return listen_on_ + ":" + std::to_string(port_); }
    /// From now on everything passes, in connections that stall, too.
    void let_go();
    /// Breaks the connections there are.
    void cut();
    /// From now on each piece that passes, of 16 KiB at most, is held up for so long.
    void set_delay(std::chrono::milliseconds delay) { delay_ms_ = delay.count(); }
    /// Breaks the connection that passes the last of so many bytes from now on, amid them.
    void cut_after(std::int64_t bytes) { bytes_left_ = bytes; }
    bool has_stalled() const { return stalled_ > 0; }

private:
    struct Connection {
        UniqueFd client;
        UniqueFd server;
        std::atomic<int> passing{2};  ///< threads
        std::thread there;
        std::thread back;
    };
    void accept_all();
    void take(UniqueFd client);
    void forget_closed();
    void pass_on(Connection& connection, int from, int to, bool may_stall);
    bool wait_to_go_on(int from);
    std::size_t to_pass(std::size_t size);

    const int to_port_;
    const std::uint64_t bytes_max_;
    const std::string listen_on_;
    int port_ = 0;
    UniqueFd listener_;
    std::atomic<bool> open_{false};
    std::atomic<bool> ending_{false};
    std::atomic<int> stalled_{0};
    std::atomic<std::int64_t> delay_ms_{0};
    std::atomic<std::int64_t> bytes_left_{std::numeric_limits<std::int64_t>::max()};
    std::mutex mutex_;
    std::list<Connection> connections_;
    std::thread acceptor_;
};

}  // namespace stoker::test
