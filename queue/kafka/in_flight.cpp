#include "queue/kafka/in_flight.hpp"

#include <ranges>
#include <utility>

#include "common/log.hpp"

namespace stoker::kafka {

namespace {

/// Of a full window, how long a message must have been here to be handed back.
constexpr Millis hand_back_after{5'000};
/// How often a full window is looked at.
constexpr Millis relief_pause{1'000};

}  // namespace

/// Settles after the queue is gone as well: then nothing happens.
class InFlight::Settle final : public Delivery::Settle {
public:
    Settle(std::weak_ptr<InFlight> in_flight, Lease lease) :
        in_flight_(std::move(in_flight)),
        lease_(std::move(lease)) {}
    void ack() noexcept override {
        if (const auto in_flight = in_flight_.lock()) in_flight->settle(lease_, true, Millis{0});
    }
    void release(Millis after) noexcept override {
        if (const auto in_flight = in_flight_.lock()) in_flight->settle(lease_, false, after);
    }

private:
    const std::weak_ptr<InFlight> in_flight_;
    const Lease lease_;
};

InFlight::InFlight(
    std::shared_ptr<Lag> lag,
    const QueueOptions& options,
    Metrics& metrics,
    std::function<void()> changed
) :
    lag_(std::move(lag)),
    options_(options),
    changed_(std::move(changed)),
    dropped_(
        metrics.counter("stoker_queue_dropped_total", "Messages dropped after too many deliveries")
    ),
    handed_back_(metrics.counter(
        "stoker_queue_handed_back_total",
        "Messages left to the datastore because they held up those behind them"
    )) {}

void InFlight::assign(Partition partition) {
    const std::scoped_lock lock(mutex_);
    owned_.try_emplace(partition);
}

void InFlight::revoke() {
    const std::scoped_lock lock(mutex_);
    owned_.clear();
    items_.clear();
    timers_.clear();
    for (auto& places : returned_) places.clear();
    leased_ = 0;
    lag_->revoked();
}

std::optional<Lease> InFlight::fetched(Place place, Message message, WallTime put_at) {
    const std::scoped_lock lock(mutex_);
    const auto owned = owned_.find(place.partition);
    if (owned == owned_.end()) return std::nullopt;
    if (!owned->second.window.follows(place.offset)) begin_anew(place.partition, owned->second);
    owned->second.window.fetched(place.offset);
    const auto at = items_
                        .try_emplace(
                            place,
                            Item{
                                .message = std::move(message),
                                .put_at = put_at,
                                .fetched_at = std::chrono::steady_clock::now(),
                                .timer = timers_.end()
                            }
                        )
                        .first;
    return lease(at);
}

void InFlight::skip(Place place) {
    const std::scoped_lock lock(mutex_);
    const auto owned = owned_.find(place.partition);
    if (owned == owned_.end()) return;
    if (!owned->second.window.follows(place.offset)) begin_anew(place.partition, owned->second);
    owned->second.window.fetched(place.offset);
    owned->second.window.done(place.offset);
    moved(place.partition, owned->second.window);
}

/// Mutex held. The log of the partition is another one: what we have of the old one is void.
void InFlight::begin_anew(Partition partition, Owned& owned) {
    auto at = items_.lower_bound({partition, 0});
    while (at != items_.end() && at->first.partition == partition) {
        withdraw(at->second);
        at = items_.erase(at);
    }
    owned = {};
}

std::optional<Lease> InFlight::take_returned(std::uint8_t priority) {
    const std::scoped_lock lock(mutex_);
    auto& places = returned_.at(priority);
    while (!places.empty()) {
        const auto at = items_.find(places.front());
        places.pop_front();
        if (at != items_.end() && at->second.state == State::returned) return lease(at);
    }
    return std::nullopt;
}

/// Mutex held.
Lease InFlight::lease(Items::iterator at) {
    auto& item = at->second;
    item.state = State::leased;
    item.token = ++last_token_;
    ++item.deliveries;
    item.timer = timers_.emplace(deadline_in(options_.visibility), at->first);
    ++leased_;
    return {at->first, item.token, item.message, item.put_at, item.deliveries};
}

Delivery InFlight::deliver(Lease lease) {
    {
        const std::scoped_lock lock(mutex_);
        ++held_;
    }
    auto message = lease.message;
    const auto deliveries = lease.deliveries;
    const auto put_at = lease.put_at;
    return {
        std::move(message),
        deliveries,
        put_at,
        std::make_unique<Settle>(weak_from_this(), std::move(lease))
    };
}

void InFlight::give_back(std::vector<Lease> leases) {
    const std::scoped_lock lock(mutex_);
    // Backwards, each before the others: so they keep their order.
    for (const auto& lease : leases | std::views::reverse) {
        const auto at = items_.find(lease.place);
        if (at == items_.end() || at->second.token != lease.token) continue;
        --at->second.deliveries;
        come_back(at, true);
    }
}

void InFlight::settle(const Lease& lease, bool is_acked, Millis after) {
    {
        const std::scoped_lock lock(mutex_);
        if (held_ > 0 && --held_ == 0) {
            for (const auto& drained : draining_) drained.set(true);
            draining_.clear();
        }
        if (stopped_) return;
        const auto at = items_.find(lease.place);
        if (at == items_.end() || at->second.token != lease.token) return;
        auto& item = at->second;
        if (is_acked) {
            done(at);
        } else {
            --item.deliveries;
            if (after > Millis{0}) {
                withdraw(item);
                item.state = State::parked;
                item.timer = timers_.emplace(deadline_in(after), at->first);
            } else {
                come_back(at, true);
            }
        }
    }
    changed_();
}

/// Mutex held. Whoever still holds it has lost it.
void InFlight::withdraw(Item& item) {
    if (item.timer != timers_.end()) timers_.erase(std::exchange(item.timer, timers_.end()));
    if (item.state == State::leased) --leased_;
    item.state = State::returned;
    item.token = 0;
}

/// Mutex held. To be taken again.
void InFlight::come_back(Items::iterator at, bool first) {
    withdraw(at->second);
    auto& places = returned_.at(at->first.partition.priority);
    if (first) {
        places.push_front(at->first);
    } else {
        places.push_back(at->first);
    }
}

/// Mutex held.
void InFlight::done(Items::iterator at) {
    const auto [partition, offset] = at->first;
    withdraw(at->second);
    items_.erase(at);
    auto& window = owned_.at(partition).window;
    window.done(offset);
    moved(partition, window);
}

/// Mutex held.
void InFlight::moved(Partition partition, const Window& window) {
    lag_->settled(partition, window.watermark(), window.done_above());
}

bool InFlight::is_full(Partition partition) const {
    const std::scoped_lock lock(mutex_);
    const auto owned = owned_.find(partition);
    return owned != owned_.end() && owned->second.window.size() >= window_max;
}

bool InFlight::has_room(Partition partition) const {
    const std::scoped_lock lock(mutex_);
    const auto owned = owned_.find(partition);
    return owned == owned_.end() || owned->second.window.size() <= window_max / 2;
}

void InFlight::turn(Deadline now) {
    const std::scoped_lock lock(mutex_);
    while (!timers_.empty() && timers_.begin()->first <= now) {
        const auto at = items_.find(timers_.begin()->second);
        auto& item = at->second;
        const bool has_ended = item.state == State::leased;
        if (has_ended && item.deliveries >= options_.max_deliveries) {
            dropped_.add();
            log::warn("queue.dropped", {{"messages", 1}, {"why", "delivered too often"}});
            done(at);
            continue;
        }
        come_back(at, has_ended);
    }
    for (const auto& [partition, owned] : owned_) {
        if (owned.window.size() >= window_max) relieve(partition, owned, now);
    }
}

/// Mutex held.
void InFlight::relieve(Partition partition, const Owned& owned, Deadline now) {
    while (owned.window.size() > window_max / 2) {
        const auto at = items_.find({partition, owned.window.watermark()});
        if (at == items_.end() || at->second.state == State::leased ||
            now - at->second.fetched_at < hand_back_after) {
            return;
        }
        handed_back_.add();
        done(at);
    }
}

Deadline InFlight::next_turn() const {
    const std::scoped_lock lock(mutex_);
    auto next = timers_.empty() ? Deadline::max() : timers_.begin()->first;
    for (const auto& [partition, owned] : owned_) {
        if (owned.window.size() >= window_max) next = std::min(next, deadline_in(relief_pause));
    }
    return next;
}

std::vector<Place> InFlight::take_watermarks() {
    const std::scoped_lock lock(mutex_);
    std::vector<Place> taken;
    for (auto& [partition, owned] : owned_) {
        const auto watermark = owned.window.watermark();
        if (!owned.window.has_begun() || owned.taken == watermark) continue;
        owned.taken = watermark;
        taken.push_back({partition, watermark});
    }
    return taken;
}

void InFlight::not_committed(Partition partition) {
    const std::scoped_lock lock(mutex_);
    const auto owned = owned_.find(partition);
    if (owned != owned_.end()) owned->second.taken = -1;
}

std::uint64_t InFlight::leased() const {
    const std::scoped_lock lock(mutex_);
    return leased_;
}

Task<> InFlight::drain(Deadline deadline) {
    const auto self = shared_from_this();
    const OneShot<bool> drained(co_await asio::this_coro::executor);
    {
        const std::scoped_lock lock(mutex_);
        if (held_ == 0) co_return;
        draining_.push_back(drained);
    }
    co_await drained.wait(deadline);
}

void InFlight::stop() {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
}

}  // namespace stoker::kafka
