#pragma once

// Measures what a recorded call used of its container: the container's counters after it less those
// before. Counters that the machine shows directly cost microseconds a look; those that the engine
// has to be asked for are only worth it for calls of a second and more, which are then counted from
// the container's previous measurement. Calls shorter than 100 ms are not measured. Used by whoever
// holds the container's slot.

#include <chrono>
#include <optional>

#include "model/call.hpp"
#include "worker/container.hpp"
#include "worker/containers/container_driver.hpp"

namespace stoker {

class CallMeter {
public:
    static constexpr std::chrono::milliseconds worth_a_look{100};
    static constexpr std::chrono::seconds worth_asking{1};

    explicit CallMeter(ContainerDriver& driver) : driver_(driver) {}

    void begin(Container& container) const;
    /// Empty for a call that is not measured.
    Task<std::optional<CallStats>> end(
        ContainerRef container, std::chrono::steady_clock::duration ran
    ) const;

private:
    ContainerDriver& driver_;
};

/// What was used between two looks; never less than nothing.
CallStats used_between(const ContainerStats& before, const ContainerStats& after);

}  // namespace stoker
