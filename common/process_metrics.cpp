#include "common/process_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace stoker {

namespace {

/// A field of /proc/self/status, e.g. "VmRSS:"; 0 when it is not there.
double status_field(std::string_view name) {
    std::ifstream in("/proc/self/status");
    for (std::string word; in >> word;) {
        if (word != name) continue;
        double value = 0;
        in >> value;
        return value;
    }
    return 0;
}

double cpu_seconds() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double open_descriptors() {
    std::error_code failed;
    const std::filesystem::directory_iterator open("/proc/self/fd", failed);
    return failed ? 0 : static_cast<double>(std::distance(begin(open), end(open)));
}

}  // namespace

void add_process_metrics(Metrics& metrics) {
    metrics.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", [] {
        return status_field("VmRSS:") * 1024;
    });
    metrics.gauge("process_threads", "Number of threads.", [] { return status_field("Threads:"); });
    metrics.gauge("process_open_fds", "Number of open file descriptors.", open_descriptors);
    metrics.gauge("process_cpu_seconds_total", "User and system CPU time in seconds.", cpu_seconds);
}

}  // namespace stoker
