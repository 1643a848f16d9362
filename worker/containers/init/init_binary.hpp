#pragma once

// The stoker-init executable, compiled for this machine and carried inside ours. The agent writes
// it once to <run-dir>/stoker-init, mode 0755, and mounts it read-only into each
// container at init_container_path as the entrypoint, before the image's own.

#include <string_view>

namespace stoker {

/// Where it appears in a container. A file mount works on an image that has nothing else.
inline constexpr const char* init_container_path = "/.stoker-init";
/// The environment variable that names the output socket, as the container sees it.
inline constexpr const char* init_output_variable = "STOKER_OUTPUT";
/// Set to anything: the function's stdin is to be handed over, too.
inline constexpr const char* init_input_variable = "STOKER_INPUT";

/// The bytes of a static executable.
std::string_view init_binary();

}  // namespace stoker
