#pragma once

// The settings of `stoker start` that say what every container is confined to and how long an idle
// one runs. Part of StartSettings; Fn's variables are aliases.

#include <string>

#include "common/settings.hpp"
#include "worker/containers/container_spec.hpp"

namespace stoker {

struct ContainerSettings {
    Millis freeze_idle{50};  ///< 0: never
    Confinement confinement;
    std::string networks;   ///< names with blanks between; empty: the engine's default
    std::string label_tag;  ///< empty: no label of Fn's
};

void add_container_settings(Settings& table, ContainerSettings& to);

/// The words of a list with blanks between them.
std::vector<std::string> words_of(std::string_view list);

}  // namespace stoker
