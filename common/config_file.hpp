#pragma once

// A TOML file of `key = value` lines, values as text. Tables and lists have no meaning here.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stoker {

struct ConfigFile {
    std::vector<std::pair<std::string, std::string>> entries;
    std::string error;  ///< why it cannot be used, with the place
};

ConfigFile read_config_file(const std::string& path);
/// The text as a TOML string.
std::string toml_quoted(std::string_view text);

}  // namespace stoker
