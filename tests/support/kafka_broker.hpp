#pragma once

// A real Kafka broker on loopback (scripts/services), alone or one of a cluster, with data of its
// own. It takes seconds to start, so the tests of a program share one and have prefixes of their
// own. Failures throw.

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace stoker::test {

class KafkaBroker {
public:
    /// `options` as in `scripts/services kafka start`.
    explicit KafkaBroker(std::string options = {});
    ~KafkaBroker();
    KafkaBroker(const KafkaBroker&) = delete;
    KafkaBroker& operator=(const KafkaBroker&) = delete;

    /// Again, on the same port with the same data.
    void start();
    void stop();
    /// Without a word.
    void kill();
    void signal(int number) const;

    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// Where --auth is asked for.
    std::string auth_address() const;
    /// `kafka://…` with two partitions a topic and no waiting for what has gone.
    std::string url(const std::string& prefix, const std::string& more = {}) const;
    /// A prefix that nobody has had.
    static std::string new_prefix();

private:
    void services(const std::string& words) const;
    pid_t pid() const;

    TempDir dir_;
    const std::string options_;
    int port_ = 0;
};

/// The broker of this program, started at the first call.
KafkaBroker& kafka_broker();

}  // namespace stoker::test
