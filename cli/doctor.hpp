#pragma once

// `stoker doctor audit`: recounts the ledger from the datastore, and compares with the queue.

#include <span>
#include <string>

#include "cli/console.hpp"

namespace stoker {

/// The exit code: 0 when the ledger is sound, 1 when it is not or cannot be read, 2 when the
/// command line is wrong.
int run_doctor_audit(std::span<const std::string> arguments, Console& console);

}  // namespace stoker
