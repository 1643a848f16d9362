#include "tests/simulation/sim_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/async/spawn.hpp"
#include "tests/simulation/sim_clock.hpp"

namespace stoker::test {

namespace {

constexpr Millis visibility{10'000};
constexpr std::uint32_t deliveries_max = 10;
constexpr Millis put_time_max{2'000};

}  // namespace

// --- the broker ---

Put SimQueue::put(const Message& message) {
    if (faults.is_full) return Put::full;
    const auto is_same = [&](const Entry& entry) { return entry.message == message; };
    const bool waits = std::ranges::any_of(ready_, is_same);
    // One that removes duplicates knows them while they wait; others only say that they queued it.
    if (waits && is_fair_) {
        history_.reached("duplicate put");
        return Put::duplicate;
    }
    ready_.push_back({message, wall_now(), 0});
    if (random_.chance(faults.repeat)) {
        history_.reached("repeated message");
        ready_.push_back({message, wall_now(), 0});
    }
    return Put::queued;
}

void SimQueue::ack(std::uint64_t token) {
    // Half of the acks that a broker gets while it goes down are lost.
    if (faults.is_down && random_.chance(0.5)) return;
    if (leases_.erase(token) == 0) history_.reached("stale ack");
}

void SimQueue::release(std::uint64_t token, Millis after) {
    const auto found = leases_.find(token);
    if (faults.is_down || found == leases_.end()) return;
    auto entry = std::move(found->second.entry);
    leases_.erase(found);
    --entry.deliveries;
    parked_.emplace(VirtualTime::now() + after, std::move(entry));
}

QueueStats SimQueue::stats() const {
    QueueStats stats;
    stats.ready = ready_.size();
    stats.leased = leases_.size();
    stats.low_watermark.fill(wall_now());
    std::map<std::string, WallTime> oldest;
    const auto count = [&](const Entry& entry) {
        for (auto& mark : stats.low_watermark) mark = std::min(mark, entry.put_at);
        auto& of_fn = oldest.try_emplace(entry.message.fn_id, entry.put_at).first->second;
        of_fn = std::min(of_fn, entry.put_at);
    };
    for (const auto& entry : ready_) count(entry);
    for (const auto& [due, entry] : parked_) count(entry);
    if (!is_fair_) return stats;
    for (const auto& [fn_id, at] : oldest) {
        if (at <= wall_now() - visibility) stats.lagging.emplace_back(fn_id, at);
    }
    return stats;
}

std::uint64_t SimQueue::depth(std::string_view fn_id) const {
    return static_cast<std::uint64_t>(std::ranges::count_if(ready_, [&](const Entry& entry) {
        return fn_id.empty() || entry.message.fn_id == fn_id;
    }));
}

void SimQueue::lose_some() {
    const auto kept = random_.below(ready_.size() + 1);
    history_.note("queue lost", std::to_string(ready_.size() - kept));
    ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(kept), ready_.end());
    std::erase_if(leases_, [&](const auto&) { return random_.chance(0.5); });
    std::erase_if(parked_, [&](const auto&) { return random_.chance(0.5); });
}

void SimQueue::wipe() {
    history_.note("queue wiped");
    ready_.clear();
    leases_.clear();
    parked_.clear();
}

void SimQueue::shuffle() {
    for (std::size_t i = ready_.size(); i > 1; --i) {
        std::swap(ready_[i - 1], ready_[random_.below(i)]);
    }
}

void SimQueue::pump() {
    if (faults.is_down) return;
    const auto now = VirtualTime::now();
    for (auto at = leases_.begin(); at != leases_.end();) {
        auto& [token, lease] = *at;
        if (lease.ends_at > now) {
            ++at;
            continue;
        }
        history_.note("lease of a message over", lease.entry.message.call_id);
        history_.reached("redelivery");
        // Delivered too often: dropped. Its row still waits and will be put again.
        if (lease.entry.deliveries < deliveries_max) ready_.push_front(std::move(lease.entry));
        at = leases_.erase(at);
    }
    while (!parked_.empty() && parked_.begin()->first <= now) {
        ready_.push_back(std::move(parked_.begin()->second));
        parked_.erase(parked_.begin());
    }
    std::vector<SimQueueLink*> willing;
    std::ranges::copy_if(consumers_, std::back_inserter(willing), [](const auto* link) {
        return link->credit_ > 0;
    });
    while (!ready_.empty() && !willing.empty()) {
        const auto chosen = random_.below(willing.size());
        auto& link = *willing[chosen];
        std::vector<SimQueueLink::Reserved> reserved;
        const auto count = 1 + random_.below(std::min<std::uint64_t>(link.credit_, 4));
        while (reserved.size() < count && !ready_.empty()) {
            auto entry = std::move(ready_.front());
            ready_.pop_front();
            ++entry.deliveries;
            --link.credit_;
            leases_.emplace(++last_token_, Lease{entry, now + visibility});
            reserved.push_back({last_token_, std::move(entry)});
        }
        if (link.credit_ == 0) willing.erase(willing.begin() + static_cast<std::ptrdiff_t>(chosen));
        const auto latency = random_.between(Millis{0}, Millis{8});
        spawn(link.host_.lane(), "sim.deliver", link.deliver(std::move(reserved), latency));
    }
}

std::optional<Millis> SimQueue::next_due() const {
    if (faults.is_down) return std::nullopt;
    std::optional<Millis> due;
    for (const auto& [token, lease] : leases_) {
        if (!due || lease.ends_at < *due) due = lease.ends_at;
    }
    if (!parked_.empty() && (!due || parked_.begin()->first < *due)) due = parked_.begin()->first;
    return due;
}

// --- a process's client ---

class SimQueueLink::Settle final : public Delivery::Settle {
public:
    Settle(SimQueue& queue, std::shared_ptr<bool> is_open, std::uint64_t token) :
        queue_(queue),
        is_open_(std::move(is_open)),
        token_(token) {}
    void ack() noexcept override {
        if (*is_open_) queue_.ack(token_);
    }
    void release(Millis after) noexcept override {
        if (*is_open_) queue_.release(token_, after);
    }

private:
    SimQueue& queue_;
    const std::shared_ptr<bool> is_open_;
    const std::uint64_t token_;
};

void SimQueueLink::close() {
    *is_open_ = false;
    std::erase(queue_.consumers_, this);
}

void SimQueueLink::start(Executor /*lane*/, OnDeliveries deliver) {
    deliver_ = std::move(deliver);
    queue_.consumers_.push_back(this);
}

Task<> SimQueueLink::deliver(std::vector<Reserved> reserved, Millis latency) {
    co_await sleep_for(latency);
    std::vector<Delivery> deliveries;
    for (auto& [token, entry] : reserved) {
        deliveries.emplace_back(
            entry.message,
            entry.deliveries,
            entry.put_at,
            std::make_unique<Settle>(queue_, is_open_, token)
        );
    }
    host_.crash_point();
    deliver_(std::move(deliveries));
}

Task<std::vector<Put>> SimQueueLink::put(std::vector<Message> batch) {
    auto& random = queue_.random_;
    host_.crash_point();
    co_await sleep_for(random.between(Millis{1}, Millis{10}));
    std::vector<Put> answers(batch.size(), Put::unknown);
    if (queue_.faults.is_down) {
        co_await sleep_for(random.chance(0.5) ? put_time_max : Millis{5});
        co_return answers;
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const bool loses_answer = random.chance(queue_.faults.lose_answer);
        if (loses_answer && random.chance(0.5)) continue;
        const auto put = queue_.put(batch[i]);
        if (!loses_answer) answers[i] = put;
    }
    host_.crash_point();
    co_await sleep_for(random.between(Millis{1}, Millis{10}));
    co_return answers;
}

Task<Result<QueueStats>> SimQueueLink::stats() {
    co_await sleep_for(queue_.random_.between(Millis{1}, Millis{10}));
    if (queue_.faults.is_down) co_return fail(Errc::store_unavailable);
    co_return queue_.stats();
}

}  // namespace stoker::test
