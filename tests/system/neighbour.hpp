#pragma once

// A healthy function that is called all the time, one call after another, while something else
// happens beside it; and what went wrong, gathered from any thread.

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/stoker_process.hpp"

namespace stoker::test {

class Complaints {
public:
    void add(std::string text);
    /// Makes them failures of the test.
    void check();

private:
    std::mutex mutex_;
    std::vector<std::string> all_;
};

class Neighbour {
public:
    /// `fn` is one of function.c; an answer other than the right one is complained of.
    Neighbour(const StokerProcess& stoker, std::string fn, Complaints& complaints);

    /// Stops. How long each call took, shortest first.
    std::vector<std::chrono::duration<double, std::milli>> stop();

private:
    void call_until(const std::stop_token& stop);

    const StokerProcess& stoker_;
    const std::string fn_;
    Complaints& complaints_;
    std::vector<std::chrono::duration<double, std::milli>> took_;
    std::jthread caller_;
};

}  // namespace stoker::test
