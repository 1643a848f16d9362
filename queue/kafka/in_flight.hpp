#pragma once

// What this process has fetched and not settled: leased to its consumer, given back and waiting for
// another try, or parked until later. Nobody else gets a message of a partition that is ours, so
// releases and ended leases come back here and not through the cluster. What is settled moves the
// watermarks, which the consumer commits.
//
//  1  A watermark never passes a message that was not acked, dropped or handed back.
//  2  A token tells one lease from the next: who lost it acks and releases nothing.
//  3  At most `window_max` messages of a partition are above its watermark. When it is full, those
//     that have waited for 5 s for another try are handed back: settled here, they wait in the
//     datastore until the sweep puts them again, so that none blocks what is behind it.
//
// settle calls on any thread; the rest on the queue's lane, but for drain().

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "common/async/one_shot.hpp"
#include "common/metrics.hpp"
#include "queue/kafka/lag.hpp"
#include "queue/kafka/window.hpp"
#include "queue/message_queue.hpp"

namespace stoker::kafka {

struct Place {
    Partition partition;
    std::int64_t offset = 0;

    auto operator<=>(const Place&) const = default;
};

struct Lease {
    Place place;
    std::uint64_t token = 0;
    Message message;
    WallTime put_at{};
    std::uint32_t deliveries = 1;
};

class InFlight : public std::enable_shared_from_this<InFlight> {
public:
    static constexpr std::size_t window_max = 256;

    /// `changed` is called when something may be taken or committed, on any thread; must not block.
    InFlight(
        std::shared_ptr<Lag> lag,
        const QueueOptions& options,
        Metrics& metrics,
        std::function<void()> changed
    );

    /// The partition is ours from now on, beginning with what comes first.
    void assign(Partition partition);
    /// None is ours any more; what is held of them is settled without effect.
    void revoke();

    /// A message that came from the cluster, leased at once. Empty when its partition is not ours.
    std::optional<Lease> fetched(Place place, Message message, WallTime put_at);
    /// One that is none of ours: done with.
    void skip(Place place);
    /// One that came back, leased again.
    std::optional<Lease> take_returned(std::uint8_t priority);

    Delivery deliver(Lease lease);
    /// What was leased and not delivered after all.
    void give_back(std::vector<Lease> leases);

    bool is_full(Partition partition) const;
    /// There is room for half of a window.
    bool has_room(Partition partition) const;

    /// Leases that have ended and messages whose time has come are to be taken again; full windows
    /// are relieved.
    void turn(Deadline now);
    /// When turn() has something to do next.
    Deadline next_turn() const;

    /// Watermarks that have moved since they were taken last. The offset is the first not done.
    std::vector<Place> take_watermarks();
    /// A commit failed: it is taken again with the next ones.
    void not_committed(Partition partition);

    std::uint64_t leased() const;
    /// Waits until nothing that was delivered is held.
    Task<> drain(Deadline deadline);
    /// From now on what is settled is forgotten.
    void stop();

private:
    class Settle;
    using Timers = std::multimap<Deadline, Place>;
    enum class State : std::uint8_t { returned, parked, leased };
    struct Item {
        Message message;
        WallTime put_at;
        Deadline fetched_at;
        State state = State::returned;
        std::uint64_t token = 0;
        std::uint32_t deliveries = 0;
        Timers::iterator timer;
    };
    struct Owned {
        Window window;
        std::int64_t taken = -1;  ///< the watermark that was given out last
    };
    using Items = std::map<Place, Item>;

    void settle(const Lease& lease, bool is_acked, Millis after);
    Lease lease(Items::iterator at);
    void come_back(Items::iterator at, bool first);
    void done(Items::iterator at);
    void moved(Partition partition, const Window& window);
    void begin_anew(Partition partition, Owned& owned);
    void relieve(Partition partition, const Owned& owned, Deadline now);
    void withdraw(Item& item);

    const std::shared_ptr<Lag> lag_;
    const QueueOptions options_;
    const std::function<void()> changed_;
    Counter& dropped_;
    Counter& handed_back_;
    mutable std::mutex mutex_;
    std::map<Partition, Owned> owned_;
    Items items_;
    Timers timers_;
    std::array<std::deque<Place>, 3> returned_;  ///< may name some that are gone
    std::uint64_t last_token_ = 0;
    std::uint64_t leased_ = 0;
    std::size_t held_ = 0;
    std::vector<OneShot<bool>> draining_;
    bool stopped_ = false;
};

}  // namespace stoker::kafka
