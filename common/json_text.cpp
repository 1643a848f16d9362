#include "common/json_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace stoker {

void append_json_string(std::string& out, std::string_view text) {
    const bool plain = text.find_first_of("\"\\") == std::string_view::npos &&
                       std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
    if (plain) {
        out += '"';
        out += text;
        out += '"';
        return;
    }
    out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace stoker
