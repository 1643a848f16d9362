#pragma once

// The FnSpec that a claimed call runs with: image and limits are the call's, as they were at
// accept, the configuration is today's. Private to datastore.

#include <string>

#include "model/app.hpp"
#include "model/call.hpp"
#include "model/fn.hpp"
#include "model/fn_spec.hpp"

namespace stoker {

FnSpecRef spec_of(const Call& call, Fn fn, const App& app);

/// Calls with equal keys have equal specs, as long as fn and app do not change.
std::string spec_key(const Call& call);

}  // namespace stoker
