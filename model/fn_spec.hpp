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
    std::uint64_t memory_mb = 128;
    std::int32_t timeout_s = 30;
    std::int32_t idle_timeout_s = 30;
    Config config;         ///< the app's under the fn's
    std::string slot_key;  ///< equal keys share containers
};

using FnSpecRef = std::shared_ptr<const FnSpec>;

/// Merges app and fn and computes the slot key (Fn's fields in Fn's order, not hashed).
FnSpecRef make_fn_spec(const App& app, const Fn& fn);

}  // namespace stoker
