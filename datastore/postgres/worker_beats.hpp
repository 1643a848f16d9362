#pragma once

// Which workers are dead, told without any wall clock: every sign of life moves a worker's number
// on, and who has seen the same number for longer than the lease (and a grace), by its own
// monotonic clock, declares it dead. Whoever sets a clock, on whichever machine, neither kills
// workers nor keeps dead ones; a process that has just started looks on for a lease first.
// Thread-safe, no I/O.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common/async/task.hpp"

namespace stoker::postgres {

struct Beat {
    std::string worker_id;
    std::int64_t number = 0;
    Millis lease{};
};

class WorkerBeats {
public:
    void saw(const Beat& beat, Deadline now) {
        const std::scoped_lock lock(mutex_);
        note(beat, now);
    }

    /// `beats` are those of all workers that are not dead. Those of them that have been silent for
    /// longer than their lease and the grace.
    std::vector<Beat> silent(const std::vector<Beat>& beats, Deadline now, Millis grace) {
        const std::scoped_lock lock(mutex_);
        std::map<std::string, Seen, std::less<>> still_there;
        std::vector<Beat> dead;
        for (const auto& beat : beats) {
            const auto since = note(beat, now).since;
            if (now - since > beat.lease + grace) dead.push_back(beat);
            still_there.insert(seen_.extract(beat.worker_id));
        }
        seen_.swap(still_there);
        return dead;
    }

    /// The store was away: nobody could give a sign.
    void start_anew() {
        const std::scoped_lock lock(mutex_);
        seen_.clear();
    }

private:
    struct Seen {
        std::int64_t number = 0;
        Deadline since{};
    };

    Seen& note(const Beat& beat, Deadline now) {
        auto& seen = seen_[beat.worker_id];
        if (beat.number != seen.number) seen = {beat.number, now};
        return seen;
    }

    std::mutex mutex_;
    std::map<std::string, Seen, std::less<>> seen_;
};

}  // namespace stoker::postgres
