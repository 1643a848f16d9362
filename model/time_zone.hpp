#pragma once

// A time zone of the system's database (tzdata), and the two questions that a schedule asks of it.
// A value; the database stays loaded for the life of the process. "UTC" needs no database.

#include <chrono>
#include <string_view>

#include "model/error.hpp"

// NOLINTNEXTLINE(modernize-concat-nested-namespaces): the library's own
namespace date {
class time_zone;  // NOLINT(readability-identifier-naming): the library's name
}

namespace stoker {

/// Whole seconds since 1970, and those a clock on the wall would count.
using Instant = std::chrono::sys_seconds;
using LocalTime = std::chrono::local_seconds;

class TimeZone {
public:
    /// By its name in the database, such as `Europe/Berlin`; invalid_request when it is not there.
    static Result<TimeZone> find(std::string_view name);
    static TimeZone utc() { return TimeZone(nullptr); }

    /// A time in which local time runs evenly.
    struct Period {
        std::chrono::seconds offset;  ///< local time less UTC
        Instant end;                  ///< exclusive
    };
    Period period_at(Instant time) const;

    /// The first instant with that local time; where clocks are put forward over it, the moment
    /// they are.
    Instant first_instant_of(LocalTime time) const;

private:
    explicit TimeZone(const date::time_zone* zone) : zone_(zone) {}

    const date::time_zone* zone_;
};

}  // namespace stoker
