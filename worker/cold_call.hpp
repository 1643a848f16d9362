#pragma once

// A cold call has a container to itself. Its function is a copy of the fn's spec with a slot key
// that no other call has and the call's environment in its configuration; so the slot pool and the
// launcher bring its container up as they do any other.

#include <string>
#include <string_view>

#include "model/invoker.hpp"

namespace stoker {

/// The slot key under which a call waits.
std::string slot_key_of(const FnSpec& fn, std::string_view call_id);

/// The fn as this call's container is started from it; the fn itself unless its format is cold.
FnSpecRef spec_for(const Invocation& invocation);

}  // namespace stoker
