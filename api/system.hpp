#pragma once

// What is asked about the server itself: Fn's ping, the version, health, readiness, metrics.

#include <functional>
#include <string>
#include <vector>

#include "api/router.hpp"
#include "common/metrics.hpp"

namespace stoker {

/// Why this role cannot do its work now; empty when it can. Any lane, must not block.
using ReadyCheck = std::function<std::string()>;

class SystemApi {
public:
    SystemApi(std::string version, const Metrics& metrics, std::vector<ReadyCheck> checks) :
        version_(std::move(version)),
        metrics_(metrics),
        checks_(std::move(checks)) {}

    void add_routes(Router& router);

private:
    Response ready() const;

    const std::string version_;
    const Metrics& metrics_;
    const std::vector<ReadyCheck> checks_;
};

}  // namespace stoker
