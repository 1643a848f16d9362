#include "api/forwarded.hpp"

#include <algorithm>
#include <array>

namespace stoker {

namespace {

/// The elements of a comma-separated field, trimmed, without parameters.
std::vector<std::string_view> list_elements(std::string_view value) {
    std::vector<std::string_view> elements;
    while (!value.empty()) {
        auto element = value.substr(0, value.find(','));
        value.remove_prefix(std::min(value.size(), element.size() + 1));
        element = element.substr(0, element.find(';'));
        const auto first = element.find_first_not_of(" \t");
        if (first == std::string_view::npos) continue;
        elements.push_back(element.substr(first, element.find_last_not_of(" \t") + 1 - first));
    }
    return elements;
}

bool lists(const Headers& headers, std::string_view name, std::string_view element) {
    return std::ranges::any_of(headers, [&](const Header& header) {
        return same_header_name(header.first, name) &&
               std::ranges::any_of(list_elements(header.second), [&](auto each) {
                   return same_header_name(each, element);
               });
    });
}

/// Ends here: about this message, or about what Stoker does with it.
bool is_consumed(std::string_view name) {
    static constexpr std::array<std::string_view, 9> names{
        "host",
        "content-length",
        "content-type",
        "expect",
        "prefer",
        "fn-invoke-type",
        "fn-call-id",
        "fn-deadline",
        "fn-attempt"
    };
    constexpr std::string_view own = "stoker-";
    return is_hop_by_hop(name) || same_header_name(name.substr(0, own.size()), own) ||
           std::ranges::any_of(names, [&](auto each) { return same_header_name(each, name); });
}

}  // namespace

Result<InvokeWish> invoke_wish(const Headers& headers, InvokeType fn_type) {
    if (const auto* word = find_header(headers, "Fn-Invoke-Type")) {
        if (same_header_name(*word, "sync")) return InvokeWish{InvokeMode::sync, false};
        if (same_header_name(*word, "async")) return InvokeWish{InvokeMode::async, false};
        if (same_header_name(*word, "detached")) return InvokeWish{InvokeMode::detached, false};
        return fail(Errc::invalid_request, "Invalid Fn-Invoke-Type");
    }
    if (lists(headers, "Prefer", "respond-async")) return InvokeWish{InvokeMode::async, true};
    const bool async = fn_type == InvokeType::async;
    return InvokeWish{async ? InvokeMode::async : InvokeMode::sync, false};
}

Headers forwarded_headers(const Headers& headers, bool keep_authorization) {
    Headers kept;
    const bool names_hops = find_header(headers, "Connection") != nullptr;
    for (const auto& header : headers) {
        const auto& name = header.first;
        if (is_consumed(name)) continue;
        if (!keep_authorization && same_header_name(name, "Authorization")) continue;
        if (names_hops && lists(headers, "Connection", name)) continue;
        kept.push_back(header);
    }
    return kept;
}

std::string content_type_of(const Headers& headers) {
    const auto* type = find_header(headers, "Content-Type");
    return type ? *type : std::string{};
}

}  // namespace stoker
