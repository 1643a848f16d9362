#include "api/runners/runner_connections.hpp"

namespace stoker {

std::optional<HttpConnection> RunnerConnections::take(
    const Executor& lane, const std::string& runner
) {
    const std::scoped_lock lock(mutex_);
    const auto found = kept_.find({&lane.context(), runner});
    if (found == kept_.end()) return std::nullopt;
    auto& kept = found->second;
    while (!kept.empty()) {
        auto last = std::move(kept.back());
        kept.pop_back();
        if (!has_passed(last.until) && last.connection.quiet()) return std::move(last.connection);
    }
    kept_.erase(found);
    return std::nullopt;
}

void RunnerConnections::keep(
    const Executor& lane, const std::string& runner, HttpConnection connection
) {
    const auto now = std::chrono::steady_clock::now();
    const std::scoped_lock lock(mutex_);
    auto& kept = kept_[{&lane.context(), runner}];
    if (kept.size() < kept_max) kept.push_back({std::move(connection), now + idle_max});
    if (now >= next_look_) drop_stale(now);
}

/// Of workers that are no more, above all: nobody takes their connections.
void RunnerConnections::drop_stale(Deadline now) {
    next_look_ = now + idle_max;
    std::erase_if(kept_, [&](const auto& entry) {
        return entry.second.empty() || entry.second.back().until <= now;
    });
}

}  // namespace stoker
