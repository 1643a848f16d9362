#pragma once

// A broker in memory that several processes share and that keeps no promise but "at least once,
// usually": it loses what it has (a suffix, or all), repeats, reorders, refuses and stops, when the
// world tells it to. A SimQueueLink is one process's client of it.

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "queue/message_queue.hpp"
#include "tests/simulation/history.hpp"
#include "tests/simulation/sim_host.hpp"
#include "tests/simulation/sim_random.hpp"

namespace stoker::test {

class SimQueueLink;

struct QueueFaults {
    bool is_down = false;
    bool is_full = false;
    double lose_answer = 0;  ///< of puts: half of them are queued all the same
    double repeat = 0;       ///< of puts
};

class SimQueue {
public:
    /// `is_fair`: tells a watermark for each function, as one that serves them in turn does.
    SimQueue(History& history, SimRandom& random, bool is_fair) :
        history_(history),
        random_(random),
        is_fair_(is_fair) {}

    QueueFaults faults;

    Put put(const Message& message);
    void ack(std::uint64_t token);
    void release(std::uint64_t token, Millis after);
    QueueStats stats() const;
    std::uint64_t depth(std::string_view fn_id) const;
    bool is_empty() const { return ready_.empty() && leases_.empty() && parked_.empty(); }

    /// A failover: part of what waits and of the leases is gone.
    void lose_some();
    void wipe();
    void shuffle();
    /// Ends leases and delays that are over, and delivers what can be.
    void pump();
    /// When that has to happen next; 0 is now.
    std::optional<Millis> next_due() const;

private:
    friend class SimQueueLink;
    struct Entry {
        Message message;
        WallTime put_at{};
        std::uint32_t deliveries = 0;
    };
    struct Lease {
        Entry entry;
        Millis ends_at{};
    };

    History& history_;
    SimRandom& random_;
    const bool is_fair_;
    std::deque<Entry> ready_;
    std::map<std::uint64_t, Lease> leases_;
    std::multimap<Millis, Entry> parked_;
    std::vector<SimQueueLink*> consumers_;
    std::uint64_t last_token_ = 0;
};

class SimQueueLink final : public MessageQueue {
public:
    SimQueueLink(SimQueue& queue, SimHost& host) : queue_(queue), host_(host) {}
    ~SimQueueLink() override { close(); }
    SimQueueLink(const SimQueueLink&) = delete;
    SimQueueLink& operator=(const SimQueueLink&) = delete;

    /// The process has ended: nothing that it still holds reaches the broker any more.
    void close();

    Task<std::vector<Put>> put(std::vector<Message> batch) override;
    void start(Executor lane, OnDeliveries deliver) override;
    void credit(std::uint32_t allowed) noexcept override { credit_ = allowed; }
    Task<Result<QueueStats>> stats() override;
    Health health() const noexcept override {
        return queue_.faults.is_down ? Health::down : Health::ok;
    }
    std::uint64_t depth(std::string_view fn_id) const noexcept override {
        return queue_.depth(fn_id);
    }
    std::uint64_t depth() const noexcept override { return queue_.depth({}); }
    Task<> drain(Deadline /*deadline*/) override { co_return; }

private:
    friend class SimQueue;
    class Settle;
    struct Reserved {
        std::uint64_t token = 0;
        SimQueue::Entry entry;
    };

    Task<> deliver(std::vector<Reserved> reserved, Millis latency);

    SimQueue& queue_;
    SimHost& host_;
    std::uint32_t credit_ = 0;
    OnDeliveries deliver_;
    const std::shared_ptr<bool> is_open_ = std::make_shared<bool>(true);
};

}  // namespace stoker::test
