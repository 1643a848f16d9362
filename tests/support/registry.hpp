#pragma once

// A real image registry on loopback for one test, with data of its own (scripts/services), and a
// proxy before it that can stall in the middle of a layer. Failures throw.

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"
#include "tests/support/temp_dir.hpp"

namespace stoker::test {

class Registry {
public:
    /// `account` is USER:PASSWORD; empty for a registry that asks for none.
    explicit Registry(std::string account = {});
    ~Registry();
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// Again, on the same port with the same data.
    void start();
    void stop();

    int port() const { return port_; }
    std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
    /// Pushes a local image as `path` (with its tag); the name under which it is pulled.
    std::string push(const std::string& local_tag, const std::string& path);
    /// The digest of what was pushed last.
    const std::string& digest() const { return digest_; }
    /// How often somebody has asked for the manifest of this repository.
    std::size_t pulls(const std::string& repository) const;

private:
    void services(const std::string& words) const;

    TempDir dir_;
    const std::string account_;
    int port_ = 0;
    std::string digest_;
};

/// Passes connections on to a port of loopback, each answer only up to a number of bytes until it
/// is let go.
class StallingProxy {
public:
    StallingProxy(int to_port, std::uint64_t bytes_max);
    ~StallingProxy();
    StallingProxy(const StallingProxy&) = delete;
    StallingProxy& operator=(const StallingProxy&) = delete;

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
