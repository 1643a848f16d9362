#pragma once

// The body of POST /containers/create: what every function container is confined to (Fn's settings
// for unprivileged containers) and what this one asks for. No I/O.

#include <string>

#include "worker/containers/container_spec.hpp"

namespace stoker {

struct CreateOptions {
    /// Some engines refuse memory swappiness (Podman on cgroup v2).
    bool swappiness = true;
};

std::string create_body(const ContainerSpec& spec, CreateOptions options);

}  // namespace stoker
