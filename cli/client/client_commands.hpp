#pragma once

// The commands that talk to a server. Each gets the arguments after its own words and returns the
// exit code of the process.

#include <span>
#include <string>

#include "cli/console.hpp"

namespace stoker {

int run_invoke(std::span<const std::string> arguments, Console& console);
int run_calls_get(std::span<const std::string> arguments, Console& console);
int run_calls_list(std::span<const std::string> arguments, Console& console);
int run_logs(std::span<const std::string> arguments, Console& console);

}  // namespace stoker
