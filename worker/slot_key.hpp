#pragma once

// What the slot table knows of the calls that may share containers (SlotKey), of a function, which
// has one key unless its settings change under way or each of its calls has a container of its own
// (SlotFn), and of an image that is being pulled (SlotPull). Plain data, guarded and kept
// consistent by SlotTable.

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "model/call.hpp"
#include "model/fn_spec.hpp"
#include "worker/container.hpp"
#include "worker/launch_backoff.hpp"

namespace stoker {

/// A caller in line for a slot; whoever waits derives how it hears of the answer.
struct SlotWaiter {
    using Time = std::chrono::steady_clock::time_point;

    explicit SlotWaiter(FnSpecRef its_fn, bool claimed = false, Time until = Time::max()) :
        fn(std::move(its_fn)),
        is_claimed(claimed),
        waits_until(until) {}
    const FnSpecRef fn;
    const bool is_claimed;  ///< its call came from the queue
    const Time waits_until;

    // The slot table's.
    bool queued = false;
    bool is_held_up = false;  ///< and counted as such
    std::uint64_t turn = 0;
    SlotKey* key = nullptr;
    std::list<std::shared_ptr<SlotWaiter>>::iterator place{};
};
using SlotWaiterRef = std::shared_ptr<SlotWaiter>;

struct SlotFn {
    bool is_limited() const { return in_use_max > 0; }
    bool may_use() const { return !is_limited() || in_use < in_use_max; }
    bool may_start() const { return !is_limited() || in_use + starting < in_use_max; }

    std::size_t in_use_max = 0;  ///< 0: no bound
    std::size_t keys = 0;
    std::size_t in_use = 0;
    std::size_t starting = 0;
    std::size_t asking = 0;  ///< keys of it in the ring of those that want a launch
    /// While there is a bound: the keys that somebody waits for, by the turn of their first caller.
    std::map<std::uint64_t, SlotKey*> held;
    std::size_t held_up = 0;  ///< keys
    SlotKey* warm = nullptr;  ///< the key that min_idle is about
};

struct SlotPull {
    std::size_t launches = 0;     ///< that wait for it
    std::set<SlotKey*> behind{};  ///< keys that want a launch once it is here
};

struct SlotKey {
    using Time = std::chrono::steady_clock::time_point;

    std::int64_t container_mb() const { return static_cast<std::int64_t>(fn->container_mb()); }
    std::int64_t mb() const {
        return container_mb() * static_cast<std::int64_t>(alive() + starting);
    }
    std::size_t alive() const { return idle.size() + busy.size(); }

    FnSpecRef fn;  ///< of its latest caller
    SlotFn* owner = nullptr;
    std::list<ContainerRef> idle;  ///< the back was used last
    std::list<ContainerRef> busy;
    std::list<SlotWaiterRef> waiters;  ///< the front waits longest
    std::size_t starting = 0;
    std::optional<double> mean_run_s;
    Time waiting_since{};
    Time latest_end{};
    Time latest_launch{};
    std::optional<Time> behind_since;

    bool is_active = false;  ///< somebody waits for it, or one of its containers is not idle
    /// It has no container, because its image is being pulled or because they do not come up:
    /// its callers wait for something else than memory and processors.
    bool is_held_up = false;
    bool in_ring = false;
    bool in_unused = false;
    std::optional<std::uint64_t> held_as;
    std::optional<std::multimap<Time, SlotKey*>::iterator> review;

    std::optional<Time> short_since;    ///< its turn came, but no memory was free
    std::chrono::seconds saving_max{};  ///< for how long memory is kept back for it then

    bool in_warm_list = false;
    LaunchBackoff backoff;

    unsigned warm_failures = 0;  ///< containers that failed without a call, in a row
    Time warm_not_before{};
};

}  // namespace stoker
