#pragma once

// A real Redis server on loopback for one test, with data of its own (scripts/services), and
// commands to it. Failures throw.

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace stoker::test {

class RedisServer {
public:
    /// `options` as in `scripts/services redis start`; the account is that of --auth.
    /// Its data are in that folder, which stays; without one, in one that goes with it.
    explicit RedisServer(
        std::string options = {}, std::string account = {}, std::filesystem::path folder = {}
    );
    ~RedisServer();
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    /// Again, on the same port with the same data.
    void start();
    void stop();
    /// Nothing of it is written any more.
    void kill();
    void signal(int number) const;

    int port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// `redis://…`, with the account if there is one.
    std::string url() const;

    /// The reply as text: lists joined by spaces, errors as they are.
    std::string ask(const std::vector<std::string>& words) const;
    /// The same, words parted by spaces.
    std::string ask(const std::string& words) const;

private:
    void services(const std::string& words) const;
    pid_t pid() const;

    TempDir own_;
    const std::filesystem::path dir_;
    const std::string options_;
    const std::string account_;
    int port_ = 0;
};

}  // namespace stoker::test
