#include "api/paging.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace stoker {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr int items_default = 30;
constexpr int items_limit = 100;

/// Fn's rule: whatever is not a positive number means the default.
int items_of(const std::string* per_page) {
    int items = 0;
    if (per_page == nullptr) return items_default;
    const auto* end = per_page->data() + per_page->size();
    const auto [at, failed] = std::from_chars(per_page->data(), end, items);
    if (failed == std::errc::result_out_of_range && !per_page->starts_with('-')) return items_limit;
    if (failed != std::errc{} || at != end || items <= 0) return items_default;
    return std::min(items, items_limit);
}

}  // namespace

std::string encode_cursor(std::string_view text) {
    std::string out;
    unsigned window = 0;
    unsigned filled = 0;
    for (const char c : text) {
        window = (window << 8U) | static_cast<unsigned char>(c);
        filled += 8;
        while (filled >= 6) {
            filled -= 6;
            out += alphabet[(window >> filled) & 63U];
        }
        window &= (1U << filled) - 1;
    }
    if (filled > 0) out += alphabet[(window << (6 - filled)) & 63U];
    return out;
}

std::optional<std::string> decode_cursor(std::string_view cursor) {
    std::string out;
    unsigned window = 0;
    unsigned filled = 0;
    for (const char c : cursor) {
        const auto digit = alphabet.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        window = (window << 6U) | static_cast<unsigned>(digit);
        filled += 6;
        if (filled >= 8) {
            filled -= 8;
            out += static_cast<char>((window >> filled) & 255U);
        }
        window &= (1U << filled) - 1;
    }
    // One digit alone is no byte, and spare bits are zero.
    if (cursor.size() % 4 == 1 || window != 0) return std::nullopt;
    return out;
}

Result<Page> page_of(const QueryParams& query) {
    Page page{.after = {}, .items_max = items_of(query.find("per_page"))};
    if (const auto* cursor = query.find("cursor")) {
        auto after = decode_cursor(*cursor);
        if (!after) return fail(Errc::invalid_cursor);
        page.after = std::move(*after);
    }
    return page;
}

Json list_json(std::vector<Json> items, const Page& page, std::string_view last) {
    Json list;
    if (std::cmp_equal(items.size(), page.items_max)) list["next_cursor"] = encode_cursor(last);
    list["items"] = std::move(items);
    return list;
}

}  // namespace stoker
