#pragma once

// What can go wrong, each as a thing to do to a cluster and to undo.

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/fault/cluster.hpp"

namespace stoker::test {

using Random = std::mt19937_64;

struct Fault {
    std::string name;
    /// Breaks something. What is returned mends it; the nemesis waits between them.
    std::function<std::function<void()>(Cluster&, Random&)> strike;
    /// How long it lasts at most, in ms; 0 for what is over at once.
    int lasts_ms_max = 0;
};

/// All there are.
const std::vector<Fault>& all_faults();

}  // namespace stoker::test
