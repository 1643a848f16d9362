#pragma once

// What a failed launch means for the calls that wait for it.

#include "model/error.hpp"

namespace stoker {

/// It is about the image, not one container: another launch for those who wait for it now would
/// fail the same way, so all of them hear of it.
constexpr bool concerns_image(Errc code) {
    switch (code) {
        case Errc::image_not_found:
        case Errc::pull_failed:
        case Errc::pull_timeout:
        case Errc::pull_denied:
        case Errc::image_has_volume: return true;
        default: return false;
    }
}

/// May pass by itself: an asynchronous call is tried again as long as it has attempts. The other
/// errors of launches end it at once.
constexpr bool may_pass(Errc code) {
    return code == Errc::pull_failed || code == Errc::pull_timeout || code == Errc::engine_failed;
}

/// Of a caller who waited in vain because the starts of its function are paused.
inline Error crash_loop() {
    return {
        .code = Errc::server_busy,
        .message = "Timed out - the function's containers keep ending before they serve",
        .detail = {}
    };
}

/// The engine did its part: the function's process did not get as far as to listen.
constexpr bool is_fault_of_function(Errc code) {
    return code == Errc::init_failed || code == Errc::init_timeout;
}

}  // namespace stoker
