#pragma once

// The end of a process whose disk failed it. After a failed sync nobody knows what of the data is
// on disk, and a second sync may report success without having written it: only the recovery at the
// next start can tell. Nothing acknowledged is lost, for nothing was acknowledged yet.

#include <string_view>

namespace stoker {

/// Says what failed and what to do about it, then aborts.
[[noreturn]] void end_broken(std::string_view what, std::string_view why);

}  // namespace stoker
