#pragma once

// What a worker tells the others about itself with every sign of life: where it takes synchronous
// calls, what it has, how busy it is. It is a hint, seconds old: the worker's own answer counts.

#include <cstdint>
#include <string>
#include <string_view>

namespace stoker {

struct WorkerProfile {
    std::string address;  ///< of its runner endpoint, `host:port`; empty: it has none
    std::int64_t memory_mb = 0;
    std::int64_t busy_mb = 0;  ///< of containers that are not idle
    std::int64_t milli_cpus = 0;
    bool draining = false;

    bool operator==(const WorkerProfile&) const = default;
};

/// A worker whose lease lasts.
struct KnownWorker {
    std::string id;
    std::string host;
    WorkerProfile profile;

    bool operator==(const KnownWorker&) const = default;
};

/// As a JSON object: in a datastore nothing is ever looked for in it.
std::string dump(const WorkerProfile& profile);
/// What is missing or malformed is as if it had not been said.
WorkerProfile worker_profile_from_text(std::string_view json);

}  // namespace stoker
