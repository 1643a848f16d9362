#include "common/http/header_name.hpp"

#include <algorithm>

#include "common/http/headers.hpp"

namespace stoker {

std::string canonical_header_name(std::string_view name) {
    std::string canonical(name);
    if (!is_valid_header(name, {})) return canonical;
    bool first = true;
    for (auto& c : canonical) {
        if (first && c >= 'a' && c <= 'z') {
            c = static_cast<char>(c - ('a' - 'A'));
        } else if (!first && c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c + ('a' - 'A'));
        }
        first = c == '-';
    }
    return canonical;
}

}  // namespace stoker
