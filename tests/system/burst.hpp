#pragma once

// Many asynchronous calls at once over many connections, and a look at all of a function's calls.

#include <map>
#include <string>
#include <vector>

#include "tests/support/stoker_process.hpp"

namespace stoker::test {

struct Burst {
    std::size_t calls = 0;
    std::size_t connections = 100;
    std::string body = "echo x";
};

/// Fires them, `fns` in turn, and gives the ids that got a 202; throws at any other answer.
std::vector<std::string> fire(
    const StokerProcess& stoker, const std::vector<std::string>& fns, const Burst& burst
);

/// How many of a function's calls there are of each status, page by page.
std::map<std::string, std::size_t> count_statuses(
    const StokerProcess& stoker, const std::string& fn
);

}  // namespace stoker::test
