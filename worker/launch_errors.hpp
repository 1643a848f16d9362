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

}  // namespace stoker
