#pragma once

// The one source of chance of a simulation: the same seed gives the same schedule.

#include <cstdint>
#include <random>

#include "common/async/task.hpp"

namespace stoker::test {

class SimRandom {
public:
    explicit SimRandom(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t below(std::uint64_t end) { return engine_() % end; }
    bool chance(double probability) {
        return static_cast<double>(engine_() >> 11U) * 0x1.0p-53 < probability;
    }
    Millis between(Millis from, Millis to) {
        return from + Millis(static_cast<Millis::rep>(
                          below(static_cast<std::uint64_t>((to - from).count() + 1))
                      ));
    }

private:
    std::mt19937_64 engine_;
};

}  // namespace stoker::test
