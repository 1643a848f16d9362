#pragma once

// Reads the engine's answer to GET /containers/<id>/stats. No I/O; what is not there is zero.

#include <string_view>

#include "worker/containers/container_spec.hpp"

namespace stoker {

ContainerStats stats_from(std::string_view body);

}  // namespace stoker
