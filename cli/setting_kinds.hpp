#pragma once

// Kinds of values that only Stoker's own settings have: what each looks like, and what is wrong
// with one that does not. Those of any program are in common/settings.hpp.

#include <cstdint>
#include <optional>
#include <string>

#include "common/settings.hpp"

namespace stoker {

/// Thousandths of processors.
SettingKind<std::uint64_t> cpus_kind();

/// `http(s)://host[:port][/path]`, to which paths of ours can be appended.
SettingKind<std::string> public_url_kind();

/// The address of a container engine.
SettingKind<std::string> docker_host_kind();

/// What the engine would not take for a folder is the name of a volume to it.
SettingKind<std::string> engine_path_kind();

SettingKind<std::string> db_kind();
SettingKind<std::string> queue_kind();

/// The port alone; empty leaves the one of `listen`.
SettingKind<std::optional<std::uint16_t>> port_kind();

}  // namespace stoker
