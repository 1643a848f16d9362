#pragma once

namespace stoker {

/// As `stoker --version` and GET /version tell it; set by the build from CMakeLists.txt.
inline constexpr const char* version = STOKER_VERSION;

}  // namespace stoker
