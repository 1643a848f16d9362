#pragma once

// Hears from functions when they start and end (tests/system/report.h), on a connection each, and
// tells the history. What it was told it acknowledges, so that nothing is answered unwitnessed.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "common/unique_fd.hpp"
#include "tests/fault/history.hpp"

namespace stoker::test {

class Witness {
public:
    /// Listens in a network namespace, where the functions are.
    Witness(History& history, const std::string& network_namespace);
    ~Witness();
    Witness(const Witness&) = delete;
    Witness& operator=(const Witness&) = delete;

    int port() const { return port_; }

private:
    struct Teller {
        UniqueFd fd;
        std::string text;
        std::string id;
        int attempt = 0;
    };
    void serve();
    /// False: it has said all.
    bool hear(Teller& teller);
    void take(Teller& teller, const std::string& line);

    History& history_;
    UniqueFd listener_;
    int port_ = 0;
    std::vector<Teller> tellers_;
    std::atomic<bool> is_over_{false};
    std::thread thread_;
};

}  // namespace stoker::test
