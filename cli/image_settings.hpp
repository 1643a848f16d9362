#pragma once

// The settings of `stoker start` that say where images come from and how long they stay. Part of
// StartSettings; Fn's variables are aliases.

#include <cstdint>
#include <string>

#include "common/settings.hpp"

namespace stoker {

struct ImageSettings {
    std::string docker_auth;           ///< credentials of registries: JSON, or the path of it
    Millis pull_silence{120'000};      ///< without progress until a pull counts as stalled
    std::string load_file;             ///< images taken in at start; empty for none
    bool enable_volume = false;        ///< of images
    std::uint64_t clean_max_size = 0;  ///< 0: images are never removed
    std::string clean_exempt_tags;     ///< images with blanks between
};

void add_image_settings(Settings& table, ImageSettings& to);

}  // namespace stoker
