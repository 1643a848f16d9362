#pragma once

// What every server process stands on, whatever its role: the lanes, the datastore, the queue, and
// how one hears of calls. Opened in this order, closed in the opposite one.

#include <memory>

#include "cli/start_settings.hpp"
#include "common/async/lanes.hpp"
#include "common/clock.hpp"
#include "common/metrics.hpp"
#include "datastore/datastore.hpp"
#include "model/call_events.hpp"
#include "model/id.hpp"
#include "queue/message_queue.hpp"

namespace stoker {

struct Ground {
    /// The Error's message is for the operator. `port` is part of the ids that are made here.
    static Result<std::unique_ptr<Ground>> open(const StartSettings& settings, std::uint16_t port);
    Ground(std::size_t lane_count, std::uint16_t port);
    Ground(const Ground&) = delete;
    Ground& operator=(const Ground&) = delete;
    ~Ground();

    /// The lanes run from here on. How many calls of an earlier life of this process wait again.
    Result<std::size_t> start();
    /// Not from a lane.
    void close();

    const SystemClock clock;
    Metrics metrics;
    IdSource ids;
    Lanes lanes;
    std::unique_ptr<Datastore> store;
    std::unique_ptr<MessageQueue> queue;
    std::unique_ptr<CallEvents> events;

private:
    bool is_shared_ = false;  ///< other processes run calls, too
};

}  // namespace stoker
