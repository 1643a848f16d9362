#pragma once

// Connections to runner endpoints that are kept between calls, by lane and worker. Any lane; one
// that is taken is used on the lane it was made on.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/async/task.hpp"
#include "common/http/connection.hpp"

namespace stoker {

class RunnerConnections {
public:
    /// A kept one that is still good.
    std::optional<HttpConnection> take(const Executor& lane, const std::string& runner);
    void keep(const Executor& lane, const std::string& runner, HttpConnection connection);

private:
    /// Less than the time after which a worker closes an idle one.
    static constexpr std::chrono::seconds idle_max{30};
    static constexpr std::size_t kept_max = 64;  ///< of one lane to one worker

    struct Kept {
        HttpConnection connection;
        Deadline until;
    };
    using Key = std::pair<const void*, std::string>;

    void drop_stale(Deadline now);

    std::mutex mutex_;
    std::map<Key, std::vector<Kept>> kept_;  // the back was used last
    Deadline next_look_{};
};

}  // namespace stoker
