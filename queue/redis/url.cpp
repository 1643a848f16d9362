#include "queue/redis/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "common/http/url.hpp"

namespace stoker::redis {

namespace {

constexpr int redis_port = 6379;
constexpr int sentinel_port = 26379;
constexpr std::size_t prefix_chars_max = 64;
constexpr int db_max = 1'000'000;

/// Splits at the first `mark`, which goes; the second part is absent without one.
std::pair<std::string_view, std::optional<std::string_view>> split(
    std::string_view text, char mark
) {
    const auto at = text.find(mark);
    if (at == std::string_view::npos) return {text, std::nullopt};
    return {text.substr(0, at), text.substr(at + 1)};
}

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

/// Takes the URL apart from left to right. The first thing that is wrong counts.
class UrlReader {
public:
    void read(std::string_view url) {
        const auto [scheme, rest] = split(url, ':');
        if (scheme == "rediss") {
            refuse("TLS is not spoken; put a TLS proxy such as stunnel beside Stoker");
            return;
        }
        if (!rest || !rest->starts_with("//")) {
            refuse("// is missing after the scheme");
            return;
        }
        const bool are_sentinels = scheme == "redis+sentinel";
        auto [hierarchy, query] = split(rest->substr(2), '?');
        // A password may hold slashes: what stands before the last @ is user and password.
        if (const auto at = hierarchy.rfind('@'); at != std::string_view::npos) {
            read_account(hierarchy.substr(0, at));
            hierarchy.remove_prefix(at + 1);
        }
        const auto [servers, path] = split(hierarchy, '/');
        read_servers(servers, are_sentinels);
        read_path(path.value_or(""), are_sentinels);
        if (query) read_query(*query);
    }

    Settings settings;
    std::string wrong;

private:
    void refuse(std::string why) {
        if (wrong.empty()) wrong = std::move(why);
    }

    int number(std::string_view text, int min, int max, std::string_view what) {
        int value = min;
        const auto* end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, value);
        const bool is_number = !text.empty() && read.ec == std::errc{} && read.ptr == end;
        if (!is_number || value < min || value > max) {
            refuse(fmt::format("{} is not a number from {} to {}", what, min, max));
        }
        return value;
    }

    std::string decoded(std::string_view text, std::string_view what) {
        auto value = percent_decode(text);
        if (!value) refuse(fmt::format("{} is not percent-encoded as it should be", what));
        return std::move(value).value_or(std::string{});
    }

    void read_account(std::string_view text) {
        const auto [user, password] = split(text, ':');
        if (!password) {
            refuse("a user needs a password: user:password@ or :password@");
            return;
        }
        settings.user = decoded(user, "the user");
        settings.password = decoded(*password, "the password");
        if (settings.password.empty()) refuse("the password is empty");
    }

    void read_servers(std::string_view text, bool are_sentinels) {
        const int default_port = are_sentinels ? sentinel_port : redis_port;
        for (std::optional<std::string_view> rest = text; rest;) {
            const auto [one, more] = split(*rest, ',');
            read_address(one, default_port);
            rest = more;
        }
        if (!are_sentinels && settings.servers.size() > 1) {
            refuse("it names several servers; Sentinels need redis+sentinel://");
        }
    }

    void read_address(std::string_view text, int default_port) {
        Address address;
        if (text.starts_with('[')) {
            const auto end = text.find(']');
            if (end == std::string_view::npos) {
                refuse("a bracket is not closed");
                return;
            }
            address.host = text.substr(1, end - 1);
            text.remove_prefix(end + 1);
        } else {
            const auto end = std::min(text.find(':'), text.size());
            address.host = text.substr(0, end);
            text.remove_prefix(end);
        }
        const auto is_of_name = [](char c) { return is_plain(c) || c == ':' || c == '%'; };
        if (address.host.empty() || !std::ranges::all_of(address.host, is_of_name)) {
            refuse("the host is missing or not a name");
            return;
        }
        int port = default_port;
        if (text.starts_with(':')) {
            port = number(text.substr(1), 1, 65535, "the port");
        } else if (!text.empty()) {
            refuse("something stands between the host and the port");
        }
        address.port = static_cast<std::uint16_t>(port);
        settings.servers.push_back(std::move(address));
    }

    void read_path(std::string_view path, bool are_sentinels) {
        if (are_sentinels) {
            const auto [name, db] = split(path, '/');
            settings.master_name = decoded(name, "the master's name");
            if (settings.master_name.empty()) {
                refuse("the master's name is missing: redis+sentinel://host:port,.../name");
            }
            path = db.value_or("");
        }
        if (!path.empty()) settings.db = number(path, 0, db_max, "the database");
    }

    void read_query(std::string_view query) {
        const auto [name, value] = split(query, '=');
        if (name != "prefix" || !value) {
            refuse("the only parameter it knows is prefix=NAME");
            return;
        }
        if (value->empty() || value->size() > prefix_chars_max ||
            !std::ranges::all_of(*value, is_plain)) {
            refuse("the prefix is not 1 to 64 letters, digits, dots, dashes and underscores");
            return;
        }
        settings.prefix = *value;
    }
};

}  // namespace

bool is_redis_scheme(std::string_view scheme) {
    return scheme == "redis" || scheme == "rediss" || scheme == "redis+sentinel";
}

std::expected<Settings, std::string> parse_url(std::string_view url) {
    UrlReader reader;
    reader.read(url);
    if (reader.wrong.empty()) return std::move(reader.settings);
    return std::unexpected("not a Redis URL, redis://user:password@host:port/db: " + reader.wrong);
}

}  // namespace stoker::redis
