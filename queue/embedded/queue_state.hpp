#pragma once

// The queue without threads, timers and executors: messages, leases, parked messages and credit,
// moved by calls that carry the time. EmbeddedQueue guards it with its mutex.
//
// A message is in exactly one place: waiting (ReadyIndex), leased, or parked until a time. Its id
// is in `ids_` all that while, which is how a repeated put is noticed.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "queue/embedded/id_set.hpp"
#include "queue/embedded/ready_index.hpp"
#include "queue/message_queue.hpp"

namespace stoker {

using MonoTime = std::chrono::steady_clock::time_point;

class QueueState {
public:
    /// What a consumer gets: the token settles it.
    struct Reserved {
        std::uint64_t token;
        IdBits id;
        std::string fn_id;
        std::uint8_t priority;
        std::uint32_t deliveries;
        WallTime put_at;
    };

    explicit QueueState(const QueueOptions& options) : options_(options) {}

    Put put(const Message& message, const IdBits& id, WallTime now);

    void set_credit(std::uint32_t allowed) { credit_ = allowed; }
    bool can_reserve() const { return credit_ > 0 && index_.ready() > 0; }
    /// At most `count_max` and no more than the credit, which it uses up.
    std::vector<Reserved> reserve(std::size_t count_max, MonoTime now);

    /// Both change nothing for a lease that has ended.
    void ack(std::uint64_t token);
    void release(std::uint64_t token, Millis after, MonoTime now);

    /// Ends leases and parkings that are due. The number of messages dropped for having been
    /// delivered too often.
    std::size_t expire(MonoTime now);
    /// When expire() has something to do next.
    std::optional<MonoTime> next_expiry() const;

    std::uint64_t messages() const { return ids_.size(); }
    std::uint64_t messages_of(std::string_view fn_id) const { return index_.messages_of(fn_id); }
    std::size_t leased() const { return leases_.size(); }
    QueueStats stats(WallTime now) const;

private:
    struct Lease {
        Line* line;
        Ticket ticket;
        MonoTime ends_at;
    };
    struct Parked {
        Line* line;
        Ticket ticket;
    };

    const QueueOptions options_;
    ReadyIndex index_;
    IdSet ids_;
    /// Tokens count up and every lease is equally long: the first is the first to end.
    std::map<std::uint64_t, Lease> leases_;
    std::multimap<MonoTime, Parked> parked_;
    std::uint64_t last_token_ = 0;
    std::uint32_t credit_ = 0;
};

}  // namespace stoker
