#pragma once

// How long to wait before the next attempt at something that failed: anything up to a bound that
// doubles with each failure (full jitter, so that many clients do not come back at once).

#include <algorithm>
#include <random>

#include "common/async/task.hpp"

namespace stoker::redis {

class Backoff {
public:
    Backoff(Millis first, Millis most, std::uint32_t seed) :
        first_(first),
        most_(most),
        bound_(first),
        random_(seed) {}

    Millis next() {
        std::uniform_int_distribution<Millis::rep> pause(0, bound_.count());
        const Millis chosen(pause(random_));
        bound_ = std::min(bound_ * 2, most_);
        return chosen;
    }
    void succeeded() { bound_ = first_; }

private:
    const Millis first_;
    const Millis most_;
    Millis bound_;
    std::minstd_rand random_;
};

}  // namespace stoker::redis
