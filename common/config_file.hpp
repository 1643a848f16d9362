#pragma once

// A TOML file of `key = value` lines, values as text. Tables and lists have no meaning here.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stoker {

struct ConfigFile {
    std::vector<std::pair<std::string, std::string>> entries;
    std::string error;  ///< why it cannot be used, with the place
};

/// The whole of a file of at most 1 MiB; empty when there is none to be read (a folder, say).
std::optional<std::string> read_text_file(const std::string& path);
ConfigFile read_config_file(const std::string& path);
/// The same for its text; `path` is for errors.
ConfigFile parse_config_text(std::string_view text, const std::string& path);
/// The text as a TOML string.
std::string toml_quoted(std::string_view text);

}  // namespace stoker
