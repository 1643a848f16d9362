#pragma once

// Tells the slot pool which functions are to be kept warm (min_idle) though nobody calls them: at
// once when a function changed in this process, and every few seconds for what others changed.

#include <atomic>
#include <mutex>
#include <optional>

#include "common/async/gate.hpp"
#include "common/async/one_shot.hpp"
#include "datastore/datastore.hpp"
#include "worker/slot_pool.hpp"

namespace stoker {

class WarmFns {
public:
    WarmFns(Datastore& store, SlotPool& slots) : store_(store), slots_(slots) {}

    /// Until stop(), on the current lane.
    Task<> keep();
    /// A function or an app was made, changed or deleted. Any thread, cheap.
    void changed();
    void stop();

private:
    Task<> refresh();

    Datastore& store_;
    SlotPool& slots_;
    std::atomic<bool> stopped_{false};
    std::mutex mutex_;
    bool changed_ = false;
    std::optional<OneShot<bool>> wake_;  // set while keep() sleeps
};

}  // namespace stoker
