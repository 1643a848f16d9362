#include "common/http/authority.hpp"

#include <algorithm>
#include <charconv>

#include "common/http/url.hpp"

namespace stoker {

namespace {

bool is_ip_literal(std::string_view text) {
    return text.size() > 2 && std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
                      c == ':' || c == '.';
           });
}

/// Percent-encoded at most; never a list.
bool is_registered_name(std::string_view text) {
    return !text.empty() && is_percent_encoded(text) && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-._~!$&'()*+;=%").contains(c);
    });
}

bool is_port_or_empty(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
    return text.empty() || (failed == std::errc{} && end == text.data() + text.size());
}

}  // namespace

bool is_authority(std::string_view text) {
    const bool bracketed = text.starts_with('[');
    const auto host = text.substr(0, bracketed ? text.find(']') + 1 : text.find(':'));
    if (!(bracketed ? is_ip_literal(host) : is_registered_name(host))) return false;
    const auto rest = text.substr(host.size());
    return rest.empty() || (rest.front() == ':' && is_port_or_empty(rest.substr(1)));
}

}  // namespace stoker
