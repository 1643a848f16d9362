#pragma once

// All that running a function needs to know about it, resolved once per revision and shared by its
// calls: app and fn names, merged configuration, and the slot key that says which containers may
// serve it.

#include <cstdint>
#include <memory>
#include <string>

#include "model/app.hpp"
#include "model/fn.hpp"

namespace stoker {

struct FnSpec {
    std::string app_id;
    std::string app_name;
    std::string fn_id;
    std::string fn_name;
    std::string image;
    FnFormat format = FnFormat::http_stream;
    std::uint64_t memory_mb = 128;
    std::uint64_t milli_cpus = 0;  ///< 0: no bound of its own
    std::uint32_t tmpfs_mb = 0;    ///< 0: the engine's default
    std::int32_t timeout_s = 30;
    std::int32_t idle_timeout_s = 30;
    std::int32_t max_concurrency = 0;  ///< 0: no bound
    std::int32_t min_idle = 0;
    std::string syslog_url;  ///< empty: none
    Config config;           ///< the app's under the fn's
    std::string slot_key;    ///< equal keys share containers

    /// MB that a container of it takes: /tmp lies in memory, too.
    std::uint64_t container_mb() const { return memory_mb + tmpfs_mb; }
};

using FnSpecRef = std::shared_ptr<const FnSpec>;

/// Merges app and fn and computes the slot key (Fn's fields in Fn's order, not hashed).
FnSpecRef make_fn_spec(const App& app, const Fn& fn);

}  // namespace stoker
