#include "queue/kafka/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/http/url.hpp"
#include "queue/kafka/options.hpp"

namespace stoker::kafka {

namespace {

constexpr std::string_view default_port = "9092";
constexpr std::size_t prefix_chars_max = 64;
constexpr int partitions_max = 1'000;
constexpr int replicas_max = 9;

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

/// Splits at the first `mark`, which goes; the second part is absent without one.
std::pair<std::string_view, std::optional<std::string_view>> split(
    std::string_view text, char mark
) {
    const auto at = text.find(mark);
    if (at == std::string_view::npos) return {text, std::nullopt};
    return {text.substr(0, at), text.substr(at + 1)};
}

std::optional<int> number(std::string_view text, int min, int max) {
    int value = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    const bool is_number = !text.empty() && read.ec == std::errc{} && read.ptr == end;
    if (!is_number || value < min || value > max) return std::nullopt;
    return value;
}

/// Takes the URL apart from left to right. The first thing that is wrong counts.
class UrlReader {
public:
    void read(std::string_view url) {
        const auto rest = split(url, ':').second;
        if (!rest || !rest->starts_with("//")) {
            refuse("// is missing after the scheme");
            return;
        }
        auto [hierarchy, query] = split(rest->substr(2), '?');
        // A password may hold slashes: what stands before the last @ is user and password.
        const auto at = hierarchy.rfind('@');
        if (at != std::string_view::npos) {
            read_account(hierarchy.substr(0, at));
            hierarchy.remove_prefix(at + 1);
        }
        const auto [brokers, prefix] = split(hierarchy, '/');
        for (std::optional<std::string_view> more = brokers; more;) {
            const auto [one, others] = split(*more, ',');
            read_broker(one);
            more = others;
        }
        if (prefix) read_prefix(*prefix);
        while (query && !query->empty()) {
            const auto [one, others] = split(*query, '&');
            read_option(one);
            query = others;
        }
        if (at != std::string_view::npos) complete_account();
    }

    Settings settings;
    std::string wrong;

private:
    void refuse(std::string why) {
        if (wrong.empty()) wrong = std::move(why);
    }

    std::string decoded(std::string_view text, std::string_view what) {
        auto value = percent_decode(text);
        if (!value) refuse(fmt::format("{} is not percent-encoded as it should be", what));
        return std::move(value).value_or(std::string{});
    }

    void read_account(std::string_view text) {
        const auto [user, password] = split(text, ':');
        if (user.empty() || !password || password->empty()) {
            refuse("an account is user:password@");
            return;
        }
        settings.options.emplace_back("sasl.username", decoded(user, "the user"));
        settings.options.emplace_back("sasl.password", decoded(*password, "the password"));
    }

    /// A password goes over TLS unless the URL says otherwise.
    void complete_account() {
        const auto is_given = [&](std::string_view name) {
            return std::ranges::any_of(settings.options, [&](const auto& option) {
                return option.first == name;
            });
        };
        if (!is_given("security.protocol")) {
            settings.options.emplace_back("security.protocol", "SASL_SSL");
        }
        if (!is_given("sasl.mechanism") && !is_given("sasl.mechanisms")) {
            settings.options.emplace_back("sasl.mechanism", "PLAIN");
        }
    }

    void read_broker(std::string_view text) {
        std::string_view host = text;
        std::string_view port = default_port;
        const auto colon = text.rfind(':');
        const auto bracket = text.rfind(']');
        const bool has_port = colon != std::string_view::npos &&
                              (bracket == std::string_view::npos || bracket < colon);
        if (has_port) {
            host = text.substr(0, colon);
            port = text.substr(colon + 1);
        }
        const bool is_bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
        const auto name = is_bracketed ? host.substr(1, host.size() - 2) : host;
        const auto is_of_name = [&](char c) { return is_plain(c) || (is_bracketed && c == ':'); };
        if (name.empty() || !std::ranges::all_of(name, is_of_name)) {
            refuse("a host is missing or not a name");
        } else if (!number(port, 1, 65535)) {
            refuse("a port is not a number from 1 to 65535");
        } else {
            settings.brokers +=
                fmt::format("{}{}:{}", settings.brokers.empty() ? "" : ",", host, port);
        }
    }

    void read_prefix(std::string_view text) {
        if (text.empty()) return;
        if (text.size() > prefix_chars_max || !std::ranges::all_of(text, is_plain)) {
            refuse("the prefix is not 1 to 64 letters, digits, dots, dashes and underscores");
            return;
        }
        settings.prefix = text;
    }

    void read_option(std::string_view text) {
        const auto [name, encoded] = split(text, '=');
        if (name.empty() || !encoded || !std::ranges::all_of(name, is_plain)) {
            refuse("after the ? stand options, name=value");
        } else if (name == "partitions") {
            read_number(*encoded, name, partitions_max, settings.partitions);
        } else if (name == "replicas") {
            read_number(*encoded, name, replicas_max, settings.replicas);
        } else if (is_fixed(name)) {
            refuse(fmt::format("{} is not to be changed: the queue depends on it", name));
        } else {
            settings.options.emplace_back(name, decoded(*encoded, name));
        }
    }

    void read_number(std::string_view text, std::string_view name, int most, int& to) {
        const auto value = number(text, 1, most);
        if (!value) refuse(fmt::format("{} is not a number from 1 to {}", name, most));
        to = value.value_or(to);
    }
};

}  // namespace

std::expected<Settings, std::string> parse_url(std::string_view url) {
    UrlReader reader;
    reader.read(url);
    if (reader.wrong.empty()) {
        if (auto fits = check_options(reader.settings); !fits) reader.wrong = fits.error();
    }
    if (reader.wrong.empty()) return std::move(reader.settings);
    return std::unexpected("not a Kafka URL, kafka://host:port,host:port/prefix: " + reader.wrong);
}

}  // namespace stoker::kafka
