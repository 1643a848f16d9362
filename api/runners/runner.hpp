#pragma once

// A worker as an api sees it: where its runner endpoint is, what it last said about itself, and
// what this api knows better than that. Shared by all lanes.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "common/async/task.hpp"
#include "common/http/connection.hpp"
#include "model/worker_profile.hpp"

namespace stoker {

struct Runner {
    Runner(std::string its_name, HttpAddress its_address) :
        name(std::move(its_name)),
        address(std::move(its_address)) {}

    const std::string name;  ///< `host:port`
    const HttpAddress address;

    /// What it has in all, in MB and thousandths of a processor; 0: not known.
    std::atomic<std::int64_t> memory_mb{0};
    std::atomic<std::int64_t> milli_cpus{0};
    std::atomic<std::int64_t> busy_mb{0};
    std::atomic<bool> draining{false};
    std::atomic<int> in_flight{0};  ///< calls of this api

    /// It did not answer: for a while others are asked first.
    void suspect(Deadline until) { suspect_until_ = until.time_since_epoch().count(); }
    void trust() { suspect_until_ = 0; }
    bool is_suspect() const {
        return !has_passed(Deadline(Deadline::duration(suspect_until_.load())));
    }

private:
    std::atomic<Deadline::rep> suspect_until_{0};
};

using RunnerRef = std::shared_ptr<Runner>;
using RunnerList = std::vector<RunnerRef>;

/// `host:port`, IPv6 in brackets. The error says what is wrong.
inline std::expected<RunnerRef, std::string> make_runner(const std::string& name) {
    auto address = parse_http_address("tcp://" + name);
    if (!address) return std::unexpected(std::move(address.error()));
    return std::make_shared<Runner>(name, std::move(*address));
}

}  // namespace stoker
