#pragma once

// A Docker engine of a test's own, to be killed and stopped as it likes: dockerd with its own
// containerd, data, sockets and network namespace, so that nothing of the machine's engine is
// touched. Needs root. Teardown ends only what it started.

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace stoker::test {

class PrivateEngine {
public:
    /// False: the test says so and returns.
    static bool is_possible();

    /// Starts it; throws when it does not come up. In a network namespace (of `ip netns`) that is
    /// named, containers have a bridge to it; without one they have no network.
    explicit PrivateEngine(std::string network_namespace = {});
    ~PrivateEngine();
    PrivateEngine(const PrivateEngine&) = delete;
    PrivateEngine& operator=(const PrivateEngine&) = delete;

    /// For --docker-host.
    std::string host() const { return "unix://" + socket(); }
    /// Copies an image of the machine's engine.
    void load(const std::string& tag) const;

    void start();
    /// SIGKILL to dockerd and its containerd. Containers live on until the next start.
    void kill_hard();
    /// Neither answers nor refuses.
    void freeze() const;
    void thaw() const;

private:
    std::string socket() const { return folder_.file("docker.sock"); }
    std::filesystem::path exec_root() const { return folder_.path() / "exec"; }
    bool answers() const;
    void clean_up() const;

    TempDir folder_;
    const std::string namespace_;
    pid_t pid_ = -1;
};

}  // namespace stoker::test
