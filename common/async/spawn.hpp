#pragma once

// Starts a Task that nobody awaits. What escapes from it is a bug and is logged with its name;
// nothing is spawned bare.

#include <string_view>

#include "common/async/gate.hpp"
#include "common/async/task.hpp"

namespace stoker {

/// Runs the task on the lane. `name` must be a literal: it is what the log says if it throws.
void spawn(Executor lane, std::string_view name, Task<> task);

/// The same, holding a pass of the gate until the task ends; dropped (not run) if the gate is
/// closed.
void spawn(Gate& gate, Executor lane, std::string_view name, Task<> task);

}  // namespace stoker
