#pragma once

// What a simulated process is to the store and the queue that it talks to.

#include "common/async/task.hpp"

namespace stoker::test {

class SimHost {
public:
    virtual ~SimHost() = default;
    virtual Executor lane() = 0;
    /// The process may end here; if it does, nothing that follows the next wait is run.
    virtual void crash_point() = 0;
    /// The network to the datastore is cut.
    virtual bool is_cut_off() const = 0;
};

}  // namespace stoker::test
