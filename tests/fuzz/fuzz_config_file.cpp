// Any bytes as a configuration file: entries or an error, and each value can be quoted and read
// back.

#include <cstdlib>

#include "common/config_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace stoker;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto file = parse_config_text(text, "fuzz.toml");
    if (!file.error.empty()) return 0;
    for (const auto& [key, value] : file.entries) {
        const auto again = parse_config_text("x = " + toml_quoted(value), "again.toml");
        if (again.entries.size() != 1 || again.entries.front().second != value) std::abort();
    }
    return 0;
}
