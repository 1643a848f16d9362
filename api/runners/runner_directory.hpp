#pragma once

// The workers that an api knows: those of a fixed list, or those whose rows in the datastore say
// where they are, read every `interval`. While the datastore does not answer the last ones are
// kept: it is the worker that says whether it takes a call. Any lane; the reads run on the lane
// given to start().

#include <memory>
#include <mutex>
#include <vector>

#include "api/runners/runner.hpp"
#include "common/async/gate.hpp"
#include "datastore/datastore.hpp"

namespace stoker {

class RunnerDirectory {
public:
    /// `fixed`: these and no others; empty: those of the datastore.
    RunnerDirectory(Datastore& store, RunnerList fixed, Millis interval = Millis{1'000});

    void start(Executor lane);
    Task<> stop(Deadline deadline);
    /// Reads the rows once.
    Task<> refresh();

    RunnerList all() const;
    /// A container of this size fits into one of them; true while nothing is known of one.
    bool can_ever_fit(std::uint64_t memory_mb, std::uint64_t milli_cpus) const;

private:
    Task<> run();
    void take(const std::vector<KnownWorker>& workers);

    Datastore& store_;
    const bool is_fixed_;
    const Millis interval_;
    mutable std::mutex mutex_;
    RunnerList runners_;
    std::unique_ptr<OneShot<bool>> stop_;
    Gate gate_;
};

}  // namespace stoker
