#pragma once

// The containers of a slot table that wait for their next call: whose idle time is over, and which
// has been idle longest. Lists by idle timeout, so that each step costs the same for ten of them
// and for ten thousand, and none of them allocates. No clock, no lock, no I/O.

#include <chrono>
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

    /// Takes it out of the list in which it has its place.
    void add(const ContainerRef& container, List& from, Time now);
    /// Puts it into that list.
    void remove(const ContainerRef& container, List& to);

    std::size_t size() const { return size_; }
    std::int64_t mb() const { return mb_; }

    /// One whose idle timeout is over; null when there is none.
    ContainerRef expired(Time now) const;
    Time next_expiry() const;
    static Time expiry(const Container& container);

    /// Until `visit` returns false.
    void oldest_first(const std::function<bool(const ContainerRef&)>& visit) const;

private:
    std::map<std::int32_t, List> by_timeout_;  // each list by the time it became idle
    std::size_t size_ = 0;
    std::int64_t mb_ = 0;
};

}  // namespace stoker
