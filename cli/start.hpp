#pragma once

#include <span>
#include <string>

#include "cli/role.hpp"

namespace stoker {

/// `stoker start`, `stoker api` or `stoker worker`. The exit code: 0 after a drain, 1 when
/// something it needs cannot be opened, 2 for bad settings, 130 when a second signal cut the drain
/// short.
int run_server(Role role, std::span<const std::string> arguments);

}  // namespace stoker
