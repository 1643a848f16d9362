#pragma once

// Acks and releases of what was delivered. They are noted on any thread and sent together from the
// link's lane. What cannot be sent is given up: a lost ack is one more delivery, a lost release
// waits for the end of its lease.

#include <mutex>
#include <vector>

#include "common/async/one_shot.hpp"
#include "queue/message_queue.hpp"
#include "queue/redis/depths.hpp"
#include "queue/redis/link.hpp"

namespace stoker::redis {

/// A message that the server has leased to us. The token proves it.
struct Lease {
    Message message;
    std::int64_t token = 0;
    std::uint32_t deliveries = 1;
    WallTime put_at{};
};

class Settler : public std::enable_shared_from_this<Settler> {
public:
    Settler(std::shared_ptr<Link> link, std::shared_ptr<Depths> depths, Executor lane);

    /// Any thread. Each is held until it was settled and the server knows.
    Delivery deliver(Lease lease);
    /// Any thread: gives back what was never delivered.
    void give_back(std::vector<Lease> leases);

    /// Waits until nothing is held.
    Task<> drain(Deadline deadline);
    /// From now on what is settled is forgotten.
    void stop();

private:
    class Settle;
    struct Ack {
        std::string call_id;
        std::string token;
        std::string fn_id;
    };
    struct Release {
        std::string call_id;
        std::string token;
        std::string after_ms;
    };

    void ack(Lease lease);
    void release(Lease lease, Millis after);
    void wake();
    Task<> send_all();
    Task<> send_acks(std::vector<Ack> acks);
    Task<> send_releases(std::vector<Release> releases);
    void settled(std::size_t count);

    const std::shared_ptr<Link> link_;
    const std::shared_ptr<Depths> depths_;
    const Executor lane_;
    std::mutex mutex_;
    std::vector<Ack> acks_;
    std::vector<Release> releases_;
    std::vector<OneShot<bool>> draining_;
    std::size_t held_ = 0;
    bool sending_ = false;
    bool stopped_ = false;
};

}  // namespace stoker::redis
