#include "worker/containers/docker/image_reference.hpp"

#include <algorithm>
#include <ranges>

namespace stoker {

namespace {

constexpr std::size_t reference_bytes_max = 512;

bool is_name_char(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
}

bool is_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_name_char) && text != "." && text != "..";
}

/// `host:port/a/b`: a colon is allowed in the first of several components only.
bool is_path(std::string_view text) {
    const auto first_end = text.find('/');
    const auto first = text.substr(0, first_end);
    const auto colon = first.find(':');
    if (colon != std::string_view::npos) {
        if (first_end == std::string_view::npos || !is_name(first.substr(colon + 1))) return false;
    }
    if (!is_name(first.substr(0, colon))) return false;
    if (first_end == std::string_view::npos) return true;
    const auto rest = text.substr(first_end + 1);
    return !text.ends_with('/') &&
           std::ranges::all_of(rest | std::views::split('/'), [](auto part) {
               return is_name(std::string_view(part));
           });
}

}  // namespace

std::string ImageReference::text() const { return name + (digest ? "@" : ":") + tag; }

std::string ImageReference::familiar_text() const {
    auto text_of_it = text();
    for (const std::string_view hub : {"docker.io/", "index.docker.io/"}) {
        if (text_of_it.starts_with(hub)) text_of_it.erase(0, hub.size());
    }
    constexpr std::string_view official = "library/";
    if (text_of_it.starts_with(official)) text_of_it.erase(0, official.size());
    return text_of_it;
}

std::optional<ImageReference> parse_image_reference(std::string_view text) {
    if (text.size() > reference_bytes_max) return {};
    ImageReference reference{.name = {}, .tag = "latest", .digest = false};
    if (const auto at = text.find('@'); at != std::string_view::npos) {
        const auto digest = text.substr(at + 1);
        const auto colon = std::min(digest.find(':'), digest.size());
        if (!is_name(digest.substr(0, colon)) || colon == digest.size()) return {};
        if (!is_name(digest.substr(colon + 1))) return {};
        reference.digest = true;
        reference.tag = digest;
        text = text.substr(0, at);
    }
    // A colon after the last slash begins the tag; an earlier one is the registry's port.
    const auto slash = text.rfind('/');
    const auto colon = text.find(':', slash == std::string_view::npos ? 0 : slash);
    if (colon != std::string_view::npos) {
        if (!is_name(text.substr(colon + 1))) return {};
        // `name:tag@digest` names the digest; the tag is decoration.
        if (!reference.digest) reference.tag = text.substr(colon + 1);
        text = text.substr(0, colon);
    }
    if (!is_path(text)) return {};
    reference.name = text;
    return reference;
}

}  // namespace stoker
