#pragma once

// Takes messages from the server as far as there is credit, and hands them to the consumer's lane.
// One loop: reserve; when nothing is ready, wait on a connection of its own for the mark that says
// that something may be, at most a second. The mark wakes one consumer of all; who cannot use it
// raises it again. start() and credit() on any thread, the rest on the links' lane.

#include <mutex>
#include <optional>

#include "queue/redis/settler.hpp"

namespace stoker::redis {

struct ConsumerLinks {
    std::shared_ptr<Link> work;
    std::shared_ptr<Link> wake;  ///< blocks: nothing else goes over it
};

class Consumer : public std::enable_shared_from_this<Consumer> {
public:
    Consumer(
        ConsumerLinks links,
        std::shared_ptr<Settler> settler,
        const QueueOptions& options,
        Executor lane,
        Metrics& metrics
    );

    void start(Executor lane, MessageQueue::OnDeliveries deliver);
    void credit(std::uint32_t allowed);
    /// No further delivery is made; what is on its way is given back.
    void close();

    /// Until stop().
    Task<> run();
    void stop();

private:
    struct Target {
        Executor lane;
        std::shared_ptr<const MessageQueue::OnDeliveries> deliver;
    };
    /// What a reserve brought.
    struct Reserved {
        std::vector<Lease> leases;
        std::optional<Millis> next_due;
    };

    std::uint32_t wanted() const;
    Task<Result<Reserved>> reserve(std::uint32_t count);
    Result<Reserved> read(const Reply& reply);
    void hand_over(std::vector<Lease> leases);
    void deliver(std::vector<Lease> leases);
    Task<> wait_for_credit();
    Task<> wait_for_work(Millis longest);
    Task<> wait_without_server(Millis longest);

    const ConsumerLinks links_;
    const std::shared_ptr<Settler> settler_;
    const std::string visibility_ms_;
    const std::string deliveries_max_;
    const std::string wake_key_;
    const Executor lane_;
    Counter& delivered_;
    Counter& dropped_;
    Timer credit_changed_;  ///< cancelled when it may have come, on the lane
    bool stopped_ = false;  ///< on the lane

    mutable std::mutex mutex_;
    std::optional<Target> target_;
    std::uint32_t credit_ = 0;
    std::uint32_t in_transit_ = 0;  ///< leased, and not yet on the consumer's lane
    bool closed_ = false;
};

}  // namespace stoker::redis
