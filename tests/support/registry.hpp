#pragma once

// A real image registry on loopback for one test, with data of its own (scripts/services). Failures
// throw.

#include <string>

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

}  // namespace stoker::test
