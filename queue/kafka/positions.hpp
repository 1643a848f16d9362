#pragma once

// Where the logs and the group's commits are. Each function asks the cluster through a handle and
// blocks until it answers or the time is over: for a thread of a BlockingPool, never a lane.

#include <cstdint>
#include <string>
#include <vector>

#include "common/async/task.hpp"
#include "queue/kafka/fault.hpp"
#include "queue/kafka/url.hpp"
#include "queue/kafka/window.hpp"

struct rd_kafka_s;

namespace stoker::kafka {

using Partitions = std::vector<Partition>;
/// One for each partition, in their order.
using Offsets = std::vector<std::int64_t>;

inline constexpr std::int64_t no_offset = -1;

/// Beyond the last message of each.
Result<Offsets> ask_ends(
    rd_kafka_s* handle, const Settings& settings, const Partitions& partitions, Millis time_max
);
/// The first message that is there.
Result<Offsets> ask_starts(
    rd_kafka_s* handle, const Settings& settings, const Partitions& partitions, Millis time_max
);
/// The first message put at that time or later; no_offset when there is none.
Result<Offsets> ask_offsets_at(
    rd_kafka_s* handle,
    const Settings& settings,
    const Partitions& partitions,
    std::int64_t unix_ms,
    Millis time_max
);
/// What the group goes on from; no_offset where it has committed nothing. The handle is an asker's.
Result<Offsets> ask_committed(
    rd_kafka_s* handle, const Settings& settings, const Partitions& partitions, Millis time_max
);

}  // namespace stoker::kafka
