#include "model/time_zone.hpp"

#include <date/tz.h>

#include <string>

namespace stoker {

namespace {

/// Known without the database, which a small system may not have.
bool is_utc(std::string_view name) { return name == "UTC" || name == "Etc/UTC" || name == "Z"; }

}  // namespace

Result<TimeZone> TimeZone::find(std::string_view name) {
    if (is_utc(name)) return utc();
    // A name that is not there and a database that is not there are both told by exceptions.
    try {
        return TimeZone(date::locate_zone(std::string(name)));
    } catch (const std::exception& e) {
        return fail(
            Errc::invalid_request,
            "time_zone is not a name of the time zone database, such as Europe/Berlin",
            e.what()
        );
    }
}

TimeZone::Period TimeZone::period_at(Instant time) const {
    if (zone_ == nullptr) return {std::chrono::seconds{0}, Instant::max()};
    const auto info = zone_->get_info(time);
    return {info.offset, info.end};
}

Instant TimeZone::first_instant_of(LocalTime time) const {
    if (zone_ == nullptr) return Instant(time.time_since_epoch());
    const auto info = zone_->get_info(date::local_seconds(time.time_since_epoch()));
    if (info.result == date::local_info::nonexistent) return info.second.begin;
    return Instant(time.time_since_epoch() - info.first.offset);
}

}  // namespace stoker
