#pragma once

// Paces the launches of a slot key whose containers keep dying young by their own fault: they
// crash, hang until their call is killed, talk nonsense or do not come up. Each costs the engine as
// much as a good one, and the processors that the calls of others need. No clock, no I/O.

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace stoker {

class LaunchBackoff {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// A container that has served so many calls well, or lived so long, has not died young. One is
    /// enough: a function that a call now and then kills serves the others.
    static constexpr std::size_t proven_calls = 1;
    static constexpr std::chrono::seconds proven_age{10};
    /// So many in a row are no reason to wait yet.
    static constexpr unsigned free_deaths = 3;
    static constexpr std::chrono::milliseconds first_pause{500};
    static constexpr std::chrono::milliseconds longest_pause{30'000};
    /// After so long without another death nothing is held against the key any more.
    static constexpr std::chrono::seconds memory{60};

    static bool is_proven(std::size_t good_calls, Time::duration age) {
        return good_calls >= proven_calls || age >= proven_age;
    }

    /// Those that were up together and die together count as one.
    void died_young(Time born, Time now) {
        if (deaths_ > 0 && born <= latest_) return;
        ++deaths_;
        latest_ = now;
        not_before_ = now + pause();
    }
    /// While they keep dying, one is started in each pause.
    void launched(Time now) { not_before_ = now + pause(); }
    /// One has proven itself, or it is long ago.
    void forgive() {
        deaths_ = 0;
        not_before_ = {};
    }

    bool has_deaths() const { return deaths_ > 0; }
    bool is_on() const { return deaths_ >= free_deaths; }
    Time next_launch() const { return not_before_; }
    Time forgiven_at() const { return latest_ + memory; }
    std::chrono::milliseconds pause() const {
        if (!is_on()) return {};
        const auto doublings = std::min(deaths_ - free_deaths, 10U);
        return std::min(first_pause * (1U << doublings), longest_pause);
    }

private:
    unsigned deaths_ = 0;  // in a row
    Time latest_{};        // death
    Time not_before_{};    // the next launch
};

}  // namespace stoker
