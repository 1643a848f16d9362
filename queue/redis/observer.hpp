#pragma once

// Looks at the server once a second: how much waits (for admission control and the metrics),
// whether both connections still answer, whether its clock agrees with ours. On the link's lane;
// the numbers it keeps may be read by any thread.

#include <atomic>

#include "queue/message_queue.hpp"
#include "queue/redis/depths.hpp"
#include "queue/redis/link.hpp"

namespace stoker::redis {

class Observer : public std::enable_shared_from_this<Observer> {
public:
    Observer(
        std::shared_ptr<Link> work,
        std::shared_ptr<Link> puts,
        std::shared_ptr<Depths> depths,
        Millis visibility,
        Executor lane
    );

    Task<stoker::Result<QueueStats>> stats();

    /// Until stop().
    Task<> run();
    void stop();

    std::uint64_t ready() const { return ready_; }
    std::uint64_t leased() const { return leased_; }
    /// How far the server's clock is ahead of ours.
    std::int64_t clock_skew_ms() const { return clock_skew_ms_; }

private:
    std::optional<QueueStats> read(const Reply& reply);
    void compare_clocks(WallTime server_now);

    const std::shared_ptr<Link> work_;
    const std::shared_ptr<Link> puts_;
    const std::shared_ptr<Depths> depths_;
    const std::string slack_ms_;
    Timer tick_;
    bool stopped_ = false;
    bool skew_told_ = false;
    std::atomic<std::uint64_t> ready_{0};
    std::atomic<std::uint64_t> leased_{0};
    std::atomic<std::int64_t> clock_skew_ms_{0};
};

}  // namespace stoker::redis
