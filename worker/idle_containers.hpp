#pragma once

// The containers of a slot pool that wait for their next call: in which order they became idle,
// which of them is to be frozen next, and whose idle time is over. No clock, no lock, no I/O: the
// pool guards it by its mutex and does what it says. Each step costs the same for ten idle
// containers and for ten thousand.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <vector>

#include "worker/container.hpp"

namespace stoker {

class IdleContainers {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// Containers are frozen when they have been idle that long; 0: never.
    explicit IdleContainers(Millis freeze_after) : freeze_after_(freeze_after) {}

    void add(const ContainerRef& container, Time now);
    /// Frozen or not.
    void remove(const ContainerRef& container);
    /// The front became idle first.
    const std::list<ContainerRef>& oldest_first() const { return order_; }
    std::size_t size() const { return order_.size(); }
    std::size_t frozen() const { return frozen_; }
    std::int64_t mb() const { return mb_; }

    /// The next to freeze, now to be marked as freezing; null when none is due.
    ContainerRef take_freezable(Time now);
    /// The freeze of one that may have left meanwhile has ended.
    void froze(const ContainerRef& container, bool frozen);
    /// One whose idle timeout is over; null when there is none.
    ContainerRef expired(Time now) const;
    /// When there is something to do; `freezing` says whether a freeze could begin.
    Time next_due(bool freezing) const;

private:
    const Millis freeze_after_;
    std::list<ContainerRef> order_;
    std::list<ContainerRef> awake_;  // not frozen and to be frozen, in the same order
    std::multimap<Time, ContainerRef> expiry_;
    std::size_t frozen_ = 0;
    std::int64_t mb_ = 0;
};

}  // namespace stoker
