#pragma once

#include <span>
#include <string>

namespace stoker {

/// `stoker start`: api and worker in one process. The exit code: 0 after a drain, 1 when something
/// it needs cannot be opened, 2 for bad settings, 130 when a second signal cut the drain short.
int run_start(std::span<const std::string> arguments);

}  // namespace stoker
