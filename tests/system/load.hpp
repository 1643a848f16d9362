#pragma once

// Clients that fire asynchronous calls until they are stopped, and remember what was answered.

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/stoker_process.hpp"

namespace stoker::test {

class Load {
public:
    Load(const StokerProcess& stoker, std::string fn, int clients, std::string body = "say once");

    /// Every id that got a 202.
    std::vector<std::string> stop();
    /// A copy: what had been acknowledged when this was called.
    std::vector<std::string> accepted() const;
    std::size_t accepted_count() const;
    /// Answers other than 202; the last ones of them.
    std::size_t refused_count() const;
    std::vector<HttpAnswer> refusals() const;

private:
    void fire(const std::stop_token& stop);

    const StokerProcess& stoker_;
    const std::string fn_;
    const std::string body_;
    mutable std::mutex mutex_;
    std::vector<std::string> accepted_;
    std::size_t refused_ = 0;
    std::vector<HttpAnswer> refusals_;
    std::vector<std::jthread> clients_;
};

}  // namespace stoker::test
