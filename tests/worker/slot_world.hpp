#pragma once

// A slot table in a world of its own: callers, functions and containers that exist only in virtual
// time, on one thread, decided by one seed. Every promise of the table is checked after every
// event; the first that is broken throws.

#include <functional>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>

#include "worker/slot_table.hpp"

namespace stoker::test {

struct SlotWorldOptions {
    std::uint64_t seed = 0;
    std::int64_t total_mb = 1024;
    LaunchPolicy policy;
    double launch_fails = 0;
    std::string bad_fn;          ///< each call of it is the end of its container
    double container_dies = 0;   ///< while it is idle, or under its call
    double caller_gives_up = 0;  ///< after a random patience
    Millis run_max{2'000};
    Millis launch_max{600};
    double image_absent = 0;  ///< a launch pulls it first
    Millis pull_max{2'000};
    Millis freeze_after{0};
    Millis freeze_max{40};
    double freeze_fails = 0;
    Millis remove_max{300};
};

class SlotWorld {
public:
    using Time = SlotTable::Time;

    explicit SlotWorld(const SlotWorldOptions& options);
    ~SlotWorld();
    SlotWorld(const SlotWorld&) = delete;
    SlotWorld& operator=(const SlotWorld&) = delete;

    void at(Millis time, std::function<void()> event);
    /// A call now; `then` runs when it has ended, one way or the other.
    void call(
        const FnSpecRef& fn, std::function<void()> then = [] {}, Time waits_until = Time::max()
    );
    void close();
    /// Events in order, until then or until nothing is left to happen.
    void run_until(Millis end);
    void run_to_the_end() { run_until(Millis{1'000'000'000'000}); }

    Millis longest_start() const { return options_.remove_max + options_.launch_max; }
    Millis now() const { return std::chrono::duration_cast<Millis>(now_ - Time{}); }
    SlotTable& table() { return table_; }
    MemoryTokens& memory() { return memory_; }
    std::mt19937_64& random() { return random_; }
    bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(random_) < p; }
    Millis up_to(Millis most) {
        return Millis(std::uniform_int_distribution<Millis::rep>(0, most.count())(random_));
    }

    struct Counts {
        std::size_t calls = 0;
        std::size_t ran = 0;
        std::size_t failed = 0;
        std::size_t gave_up = 0;
        std::size_t launches = 0;
        std::size_t bad_launches = 0;
        std::size_t told_of_crash_loop = 0;
        std::size_t removals = 0;
        std::size_t pulls = 0;
        std::size_t freezes = 0;
        std::size_t thaws = 0;
        Millis longest_wait{0};
        Millis longest_good_wait{0};  ///< of calls of other functions than the bad one
    };
    const Counts& counts() const { return counts_; }
    std::size_t waiting() const { return waiting_; }
    /// How an event changes the table, with what follows from it.
    void event(const std::function<void(SlotTable&, Time)>& change);

private:
    struct Caller : SlotWaiter {
        using SlotWaiter::SlotWaiter;
        Time since{};
        bool waits = true;
        std::function<void()> then;
    };
    using CallerRef = std::shared_ptr<Caller>;
    struct Side {  // what the world itself knows of a key or a function
        std::size_t waiting = 0;
        std::size_t starting = 0;
        std::size_t idle = 0;
        std::size_t in_use = 0;
        FnSpecRef fn;
        std::set<std::uint64_t> turns;
        Time latest_launch{};
        Millis pause{0};  ///< until the next launch, as it was at the latest
    };

    void after(Millis pause, std::function<void()> event);
    void gives_up(const CallerRef& caller);
    void carry_out(SlotTable::Actions actions);
    void answered(const CallerRef& caller, Result<ContainerRef> answer);
    void begin_run(const ContainerRef& container, const CallerRef& caller);
    void end_run(const ContainerRef& container, Time since, const CallerRef& caller);
    void launch(SlotTable::Launch launch);
    using LaunchRef = std::shared_ptr<SlotTable::Launch>;
    void pull_and_start(const LaunchRef& launch);
    void start(const LaunchRef& launch);
    void launched(const LaunchRef& launch, Errc failure, Time begun, bool was_pulling);
    void check_pause(const FnSpec& fn);
    void freeze(const ContainerRef& container);
    void thaw(const ContainerRef& container);
    Millis until_frozen(const ContainerRef& container) const;
    void remove(const ContainerRef& container);
    void stops_waiting(Caller& caller);
    void check();
    void require(bool holds, const char* promise) const;

    const SlotWorldOptions options_;
    std::mt19937_64 random_;
    asio::io_context nowhere_;  // a home for containers; never run
    Time now_{};
    std::multimap<Time, std::function<void()>> agenda_;
    MemoryTokens memory_;
    SlotTable table_;
    std::map<std::string, Side> keys_;
    std::map<std::string, Side> fns_;
    std::map<ContainerRef, bool> containers_;   // whether it is in use
    std::map<ContainerRef, Time> freezing_;     // until then
    std::map<std::string, std::size_t> pulls_;  // by image
    std::size_t pulling_ = 0;
    std::size_t starting_ = 0;  // and not pulling
    std::int64_t held_mb_ = 0;
    std::size_t waiting_ = 0;
    Counts counts_;
};

}  // namespace stoker::test
