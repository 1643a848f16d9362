#pragma once

// From settings to a connection that can be used: finds the master (through the Sentinels, where
// there are any), authenticates, picks the database and makes sure that it is no replica. Runs on
// the caller's lane.

#include "queue/redis/connection.hpp"

namespace stoker::redis {

/// Every step of it ends by `step_max`. The Sentinels are asked in turn.
Task<Result<std::shared_ptr<Connection>>> open_session(const Settings& settings, Millis step_max);

}  // namespace stoker::redis
