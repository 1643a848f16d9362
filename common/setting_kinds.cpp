#include "common/setting_kinds.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace stoker {

namespace {

std::string lower_case(std::string_view text) {
    std::string result(text);
    for (auto& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return result;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

template <class N>
std::optional<N> to_number(std::string_view text) {
    N value{};
    const auto* end = text.data() + text.size();
    const auto [at, failed] = std::from_chars(text.data(), end, value);
    if (failed != std::errc{} || at != end) return std::nullopt;
    return value;
}

std::unexpected<std::string> refuse(std::string_view value, std::string_view expected) {
    return std::unexpected(fmt::format("\"{}\" is not {}", value, expected));
}

/// Only what an interface can have: a name could mean several.
std::optional<std::string> listen_host(std::string_view text) {
    if (text.empty()) return "0.0.0.0";
    if (text == "localhost") return "127.0.0.1";
    const bool bracketed = text.starts_with('[') && text.ends_with(']');
    const std::string host(bracketed ? text.substr(1, text.size() - 2) : text);
    error_code failed;
    const auto address = asio::ip::make_address(host, failed);
    if (failed || address.is_v6() != bracketed) return std::nullopt;
    return host;
}

}  // namespace

SettingKind<std::int64_t> integer_kind(std::int64_t min, std::int64_t max) {
    return {
        .placeholder = "N",
        .parse = [=](std::string_view text) -> std::expected<std::int64_t, std::string> {
            const auto value = to_number<std::int64_t>(text);
            if (value && *value >= min && *value <= max) return *value;
            return refuse(text, fmt::format("a number from {} to {}", min, max));
        },
        .print = [](const std::int64_t& value) { return std::to_string(value); },
    };
}

SettingKind<std::uint64_t> size_kind(std::uint64_t min, std::uint64_t max) {
    return {
        .placeholder = "SIZE",
        .parse = [=](std::string_view text) -> std::expected<std::uint64_t, std::string> {
            const auto value = parse_size(text);
            if (!value) return refuse(text, "a size such as 4GB, 512MiB or a number of bytes");
            if (*value >= min && *value <= max) return *value;
            return refuse(
                text, fmt::format("a size from {} to {}", format_size(min), format_size(max))
            );
        },
        .print = format_size,
    };
}

SettingKind<Millis> duration_kind(Millis min, Millis max) {
    return {
        .placeholder = "TIME",
        .parse = [=](std::string_view text) -> std::expected<Millis, std::string> {
            const auto value = parse_duration(text);
            if (!value) return refuse(text, "a duration such as 30s, 250ms, 1h30m or seconds");
            if (*value >= min && *value <= max) return *value;
            return refuse(
                text,
                fmt::format("a duration from {} to {}", format_duration(min), format_duration(max))
            );
        },
        .print = format_duration,
    };
}

SettingKind<bool> bool_kind() {
    return {
        .placeholder = "",
        .parse = [](std::string_view text) -> std::expected<bool, std::string> {
            const auto word = lower_case(text);
            if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
            if (word == "false" || word == "no" || word == "off" || word == "0") return false;
            return refuse(text, "true or false");
        },
        .print = [](const bool& value) -> std::string { return value ? "true" : "false"; },
    };
}

SettingKind<std::string> text_kind(std::string placeholder) {
    return {
        .placeholder = std::move(placeholder),
        .parse = [](std::string_view text) -> std::expected<std::string, std::string> {
            return std::string(text);
        },
        .print = [](const std::string& value) { return value; },
    };
}

SettingKind<std::string> path_kind(std::string placeholder) {
    auto kind = text_kind(std::move(placeholder));
    kind.parse = [](std::string_view text) -> std::expected<std::string, std::string> {
        if (text.empty() || text.contains('\0')) return refuse(text, "a path");
        return std::string(text);
    };
    return kind;
}

SettingKind<std::string> url_kind(std::vector<std::string> schemes) {
    return {
        .placeholder = "URL",
        .parse = [=](std::string_view text) -> std::expected<std::string, std::string> {
            const auto colon = text.find(':');
            auto scheme = lower_case(text.substr(0, colon == text.npos ? 0 : colon));
            const bool known = std::ranges::find(schemes, scheme) != schemes.end();
            if (known && std::ranges::none_of(text, is_control)) {
                return scheme.append(text.substr(colon));
            }
            return refuse(
                redacted_url(text),
                fmt::format("a URL that starts with {}:", fmt::join(schemes, ":, "))
            );
        },
        .print = [](const std::string& value) { return redacted_url(value); },
    };
}

SettingKind<std::string> choice_kind(std::vector<std::string> words) {
    return {
        .placeholder = fmt::format("{}", fmt::join(words, "|")),
        .parse = [=](std::string_view text) -> std::expected<std::string, std::string> {
            auto word = lower_case(text);
            if (std::ranges::find(words, word) != words.end()) return word;
            return refuse(text, fmt::format("one of {}", fmt::join(words, ", ")));
        },
        .print = [](const std::string& value) { return value; },
    };
}

SettingKind<ListenAddress> listen_kind() {
    return {
        .placeholder = "HOST:PORT",
        .parse = [](std::string_view text) -> std::expected<ListenAddress, std::string> {
            const auto colon = text.rfind(':');
            const auto port = colon == std::string_view::npos
                                  ? std::nullopt
                                  : to_number<std::uint16_t>(text.substr(colon + 1));
            const auto host = port ? listen_host(text.substr(0, colon)) : std::nullopt;
            if (!host) return refuse(text, "an address such as 127.0.0.1:8080 or [::1]:8080");
            return ListenAddress{*host, *port};
        },
        .print = format_listen,
    };
}

namespace {

std::string without_userinfo_password(std::string_view url) {
    const auto begin = url.find("://");
    if (begin == std::string_view::npos) return std::string(url);
    const auto authority = begin + 3;
    // A password may hold anything but the @ that ends it, or be badly escaped: take the last @.
    const auto end = url.rfind('@');
    const auto colon = url.find(':', authority);
    if (end == std::string_view::npos || colon == std::string_view::npos || colon > end) {
        return std::string(url);
    }
    return fmt::format("{}:***{}", url.substr(0, colon), url.substr(end));
}

}  // namespace

std::string redacted_url(std::string_view url) {
    auto shown = without_userinfo_password(url);
    // libpq's, for one, may stand in the query.
    constexpr std::string_view key = "password=";
    for (auto at = shown.find(key); at != std::string::npos; at = shown.find(key, at)) {
        at += key.size();
        shown.replace(at, std::min(shown.find('&', at), shown.size()) - at, "***");
    }
    return shown;
}

std::string format_listen(const ListenAddress& address) {
    const bool v6 = address.host.contains(':');
    return fmt::format("{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
}

}  // namespace stoker
