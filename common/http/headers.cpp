#include "common/http/headers.hpp"

#include <algorithm>
#include <array>

namespace stoker {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_token_char(char c) {
    if ((c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z')) return true;
    return std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

}  // namespace

bool same_header_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

const std::string* find_header(const Headers& headers, std::string_view name) {
    const auto found = std::ranges::find_if(headers, [&](const Header& header) {
        return same_header_name(header.first, name);
    });
    return found == headers.end() ? nullptr : &found->second;
}

bool is_hop_by_hop(std::string_view name) {
    static constexpr std::array<std::string_view, 9> names{
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade"
    };
    return std::ranges::any_of(names, [&](auto hop) { return same_header_name(hop, name); });
}

bool is_valid_header(std::string_view name, std::string_view value) {
    return !name.empty() && std::ranges::all_of(name, is_token_char) &&
           std::ranges::all_of(value, [](char c) {
               return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
           });
}

}  // namespace stoker
