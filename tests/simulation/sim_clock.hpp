#pragma once

// Virtual time for the whole process: while a VirtualTime exists, every clock reads it and no lane
// ever sleeps. It stands in for the three system calls by which Asio and the standard library learn
// of time (see sim_clock.cpp), so the product's code runs as it is, whatever clock it asks. One
// thread only.

#include <boost/asio/io_context.hpp>

#include "common/async/task.hpp"

namespace stoker::test {

class VirtualTime {
public:
    VirtualTime();
    ~VirtualTime();
    VirtualTime(const VirtualTime&) = delete;
    VirtualTime& operator=(const VirtualTime&) = delete;

    /// Since it began.
    static Millis now();
    static void advance(Millis by);
    /// How long this lane, which has nothing to do now, would sleep; at most a second.
    static Millis idle_time(asio::io_context& lane);
};

/// Seconds of the machine's own clock, which goes on beside the virtual one.
double real_seconds();

}  // namespace stoker::test
