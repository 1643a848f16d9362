#include "common/http/url.hpp"

#include <algorithm>

namespace stoker {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// The byte an escape at the front stands for; -1 when it is malformed.
int escaped_byte(std::string_view text) {
    if (text.size() < 3) return -1;
    const int high = hex_value(text[1]);
    const int low = hex_value(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string decode_param(std::string_view text) {
    std::string spaced(text);
    std::ranges::replace(spaced, '+', ' ');
    auto decoded = percent_decode(spaced);
    return decoded ? std::move(*decoded) : spaced;
}

}  // namespace

bool is_percent_encoded(std::string_view text) {
    for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3)) {
        if (escaped_byte(text.substr(at)) <= 0) return false;
    }
    return true;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    for (;;) {
        const auto plain = text.substr(0, text.find('%'));
        decoded += plain;
        text.remove_prefix(plain.size());
        if (text.empty()) return decoded;
        const int byte = escaped_byte(text);
        if (byte <= 0) return std::nullopt;
        decoded += static_cast<char>(byte);
        text.remove_prefix(3);
    }
}

QueryParams::QueryParams(std::string_view query) {
    while (!query.empty()) {
        const auto pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const auto name = pair.substr(0, pair.find('='));
        const auto value = pair.substr(std::min(pair.size(), name.size() + 1));
        params_.emplace_back(decode_param(name), decode_param(value));
    }
}

const std::string* QueryParams::find(std::string_view name) const {
    const auto found =
        std::ranges::find_if(params_, [&](const auto& param) { return param.first == name; });
    return found == params_.end() ? nullptr : &found->second;
}

}  // namespace stoker
