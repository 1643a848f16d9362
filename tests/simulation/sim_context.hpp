#pragma once

// What all simulated processes of one world share.

#include <memory>
#include <string>
#include <vector>

#include "api/fn_cache.hpp"
#include "tests/simulation/sim_queue.hpp"
#include "tests/simulation/sim_store.hpp"

namespace stoker::test {

struct SimContext {
    History& history;
    SimRandom& random;
    SimStore& store;
    SimQueue& queue;
    const Mutation mutation;
    const bool is_embedded;  ///< one process does all, with the product's own queue inside it
    double crash = 0;        ///< the chance that a process ends at a crash point
    bool functions_fail = true;
    std::vector<std::string> acknowledged{};  ///< call ids, for those who cancel
    std::uint64_t processes_started = 0;
};

}  // namespace stoker::test
