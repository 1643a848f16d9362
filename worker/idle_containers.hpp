#pragma once

// The containers of a slot table that wait for their next call: which of them is to be frozen next,
// whose idle time is over, and which has been idle longest. Lists by idle timeout, so that each
// step costs the same for ten of them and for ten thousand, and none of them allocates. No clock,
// no lock, no I/O.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>

#include "worker/container.hpp"

namespace stoker {

class IdleContainers {
public:
    using Time = std::chrono::steady_clock::time_point;
    using List = std::list<ContainerRef>;

    /// Containers are frozen when they have been idle that long; 0: never.
    explicit IdleContainers(Millis freeze_after) : freeze_after_(freeze_after) {}

    /// Takes it out of the list in which it has its place.
    void add(const ContainerRef& container, List& from, Time now);
    /// Puts it into that list, frozen or not.
    void remove(const ContainerRef& container, List& to);

    std::size_t size() const { return size_; }
    std::size_t frozen() const { return frozen_; }
    std::int64_t mb() const { return mb_; }

    /// The next to freeze, now marked as freezing; null when none is due.
    ContainerRef take_freezable(Time now);
    /// None is frozen any more, whoever thawed them.
    void all_awake();
    /// The freeze of one that may have left meanwhile has ended.
    void froze(const ContainerRef& container, bool frozen);

    /// One whose idle timeout is over; null when there is none.
    ContainerRef expired(Time now) const;
    static Time expiry(const Container& container);

    /// When one that becomes idle now has to be looked at first.
    Time first_due(const Container& container) const;
    /// When there is something to do; `can_freeze` says whether a freeze could begin.
    Time next_due(bool can_freeze) const;

    /// Until `visit` returns false.
    void oldest_first(const std::function<bool(const ContainerRef&)>& visit) const;

private:
    struct Queue {
        List all;                                ///< by the time they became idle
        List::iterator next_frozen = all.end();  ///< the first that is awake and to be frozen
    };
    static void skip_frozen(Queue& queue);
    Time freeze_due(const Container& container) const {
        return container.idle_since + freeze_after_;
    }

    const Millis freeze_after_;
    std::map<std::int32_t, Queue> by_timeout_;
    std::size_t size_ = 0;
    std::size_t frozen_ = 0;
    std::int64_t mb_ = 0;
};

}  // namespace stoker
