#pragma once

// The client commands and the list of all commands. main() runs the servers itself and leaves the
// rest to run_client().

#include <span>
#include <string>

#include "cli/console.hpp"

namespace stoker {

/// `words` are the arguments without the program's name. The exit code: 0 when all went well, 1
/// when the server or the call failed, 2 when the command line is wrong.
int run_client(std::span<const std::string> words, Console& console);
/// On the terminal of the process.
int run_client(std::span<const std::string> words);

}  // namespace stoker
