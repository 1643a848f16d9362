#pragma once

#include "common/metrics.hpp"

namespace stoker {

/// Memory, descriptors, CPU time and threads of this process, read from /proc when rendered; the
/// names Prometheus' own client libraries use.
void add_process_metrics(Metrics& metrics);

}  // namespace stoker
