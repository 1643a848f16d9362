#include "queue/embedded/queue_state.hpp"

#include <algorithm>
#include <unordered_map>

namespace stoker {

Put QueueState::put(const Message& message, const IdBits& id, WallTime now) {
    if (ids_.contains(id)) return Put::duplicate;
    if (ids_.size() >= options_.max_depth) return Put::full;
    if (!ids_.insert(id)) return Put::full;
    Ticket ticket;
    ticket.id = id;
    ticket.put_at_ms = static_cast<std::uint64_t>(to_ms(now)) & 0xFFFF'FFFF'FFFFU;
    index_.add(message.fn_id, std::min<std::uint8_t>(message.priority, 2), ticket);
    return Put::queued;
}

std::vector<QueueState::Reserved> QueueState::reserve(std::size_t count_max, MonoTime now) {
    std::vector<Reserved> reserved;
    while (reserved.size() < count_max && can_reserve()) {
        auto taken = *index_.take();
        taken.ticket.deliveries = std::min<std::uint64_t>(taken.ticket.deliveries + 1U, 0xFFFFU);
        const auto token = ++last_token_;
        leases_.emplace(token, Lease{taken.line, taken.ticket, now + options_.visibility});
        --credit_;
        reserved.push_back({
            .token = token,
            .id = taken.ticket.id,
            .fn_id = std::string(taken.line->fn_id),
            .priority = taken.line->priority,
            .deliveries = static_cast<std::uint32_t>(taken.ticket.deliveries),
            .put_at = from_ms(static_cast<std::int64_t>(taken.ticket.put_at_ms)),
        });
    }
    return reserved;
}

void QueueState::ack(std::uint64_t token) {
    const auto found = leases_.find(token);
    if (found == leases_.end()) return;
    ids_.erase(found->second.ticket.id);
    index_.forget(*found->second.line);
    leases_.erase(found);
}

void QueueState::release(std::uint64_t token, Millis after, MonoTime now) {
    const auto found = leases_.find(token);
    if (found == leases_.end()) return;
    auto [line, ticket, ends_at] = found->second;
    leases_.erase(found);
    ticket.deliveries = ticket.deliveries - 1U;
    if (after > Millis{0}) {
        parked_.emplace(now + after, Parked{line, ticket});
    } else {
        index_.put_back(*line, ticket);
    }
}

std::size_t QueueState::expire(MonoTime now) {
    std::size_t dropped = 0;
    while (!leases_.empty() && leases_.begin()->second.ends_at <= now) {
        const auto lease = leases_.begin()->second;
        leases_.erase(leases_.begin());
        if (lease.ticket.deliveries >= options_.max_deliveries) {
            ids_.erase(lease.ticket.id);
            index_.forget(*lease.line);
            ++dropped;
        } else {
            index_.put_back(*lease.line, lease.ticket);
        }
    }
    while (!parked_.empty() && parked_.begin()->first <= now) {
        const auto parked = parked_.begin()->second;
        parked_.erase(parked_.begin());
        index_.put_back(*parked.line, parked.ticket);
    }
    return dropped;
}

std::optional<MonoTime> QueueState::next_expiry() const {
    std::optional<MonoTime> next;
    if (!leases_.empty()) next = leases_.begin()->second.ends_at;
    if (!parked_.empty() && (!next || parked_.begin()->first < *next)) {
        next = parked_.begin()->first;
    }
    return next;
}

QueueStats QueueState::stats(WallTime now) const {
    QueueStats stats;
    stats.ready = index_.ready();
    stats.leased = leases_.size();
    stats.exact = true;
    stats.low_watermark.fill(now);
    std::unordered_map<std::string_view, WallTime> oldest;
    const auto count = [&](const Line& line, const Ticket& ticket) {
        const auto put_at = from_ms(static_cast<std::int64_t>(ticket.put_at_ms));
        auto& watermark = stats.low_watermark.at(line.priority);
        watermark = std::min(watermark, put_at);
        auto& of_fn = oldest.try_emplace(line.fn_id, put_at).first->second;
        of_fn = std::min(of_fn, put_at);
    };
    index_.for_each_waiting([&](const Line& line) { count(line, line.waiting.front()); });
    for (const auto& [until, parked] : parked_) count(*parked.line, parked.ticket);
    // Younger ones need no mention: nobody asks about rows younger than a lease.
    for (const auto& [fn_id, put_at] : oldest) {
        if (put_at <= now - options_.visibility) stats.lagging.emplace_back(fn_id, put_at);
    }
    return stats;
}

}  // namespace stoker
