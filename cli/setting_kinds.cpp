#include "cli/setting_kinds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "common/http/authority.hpp"
#include "common/http/connection.hpp"
#include "common/http/url.hpp"
#include "datastore/open_datastore.hpp"
#include "model/cpus.hpp"
#include "queue/open_queue.hpp"

namespace stoker {

namespace {

std::expected<std::string, std::string> refused(std::string_view value, std::string_view allowed) {
    return std::unexpected(fmt::format("\"{}\" is not {}", value, allowed));
}

/// `http(s)://host[:port][/path]`, to which paths of ours can be appended.
bool is_base_url(std::string_view text) {
    const auto authority_at = text.find("://") + 3;
    const auto path_at = std::min(text.find('/', authority_at), text.size());
    const auto path = text.substr(path_at);
    return authority_at > 3 && is_authority(text.substr(authority_at, path_at - authority_at)) &&
           path.find_first_of(" \"<>?#\\") == std::string_view::npos && is_percent_encoded(path);
}

}  // namespace

SettingKind<std::uint64_t> cpus_kind() {
    SettingKind<std::uint64_t> kind;
    kind.placeholder = "CPUS";
    kind.parse = [](std::string_view text) -> std::expected<std::uint64_t, std::string> {
        const auto milli_cpus = text.empty() ? std::nullopt : parse_milli_cpus(text);
        if (milli_cpus) return *milli_cpus;
        return std::unexpected(
            refused(text, "a number of processors such as 2, 1.5 or 1500m, at most 1024").error()
        );
    };
    kind.print = [](const std::uint64_t& milli_cpus) {
        return milli_cpus == 0 ? std::string("0") : format_milli_cpus(milli_cpus);
    };
    return kind;
}

SettingKind<std::string> public_url_kind() {
    auto kind = url_kind({"http", "https"});
    kind.parse = [any_url = kind.parse](std::string_view text) {
        auto url = any_url(text);
        if (!url || is_base_url(*url)) return url;
        return refused(redacted_url(text), "a URL such as https://host:8443/path");
    };
    return kind;
}

SettingKind<std::string> docker_host_kind() {
    auto kind = url_kind({"unix", "tcp", "http"});
    kind.parse = [any_url = kind.parse](std::string_view text) {
        auto url = any_url(text);
        if (!url || parse_http_address(*url)) return url;
        return refused(
            redacted_url(text),
            "the address of an engine: unix:///path, tcp://host:port or http://host:port"
        );
    };
    return kind;
}

SettingKind<std::string> engine_path_kind() {
    auto kind = text_kind("DIR");
    kind.parse = [](std::string_view text) -> std::expected<std::string, std::string> {
        const bool absolute = text.starts_with('/') && !text.contains('\0');
        if (text.empty() || absolute) return std::string(text);
        return refused(text, "an absolute path, or empty for the same as --run-dir");
    };
    return kind;
}

SettingKind<std::string> queue_kind() {
    auto kind = url_kind({});
    kind.parse = [](std::string_view text) -> std::expected<std::string, std::string> {
        const auto known = check_queue_url(text);
        if (!known) return std::unexpected(std::string(known.error().text()));
        return std::string(text);
    };
    return kind;
}

SettingKind<std::string> db_kind() {
    auto kind = url_kind({"sqlite", "sqlite3", "postgres", "postgresql"});
    kind.parse = [any_url = kind.parse](std::string_view text) {
        auto url = any_url(text);
        if (!url) return url;
        if (const auto known = check_datastore_url(*url); !known) {
            url = std::unexpected(
                fmt::format("\"{}\" is {}", redacted_url(text), known.error().text())
            );
        }
        return url;
    };
    return kind;
}

SettingKind<std::optional<std::uint16_t>> port_kind() {
    const auto number = integer_kind(0, std::numeric_limits<std::uint16_t>::max());
    return {
        .placeholder = "N",
        .parse = [number](std::string_view text
                 ) -> std::expected<std::optional<std::uint16_t>, std::string> {
            const auto port = number.parse(text);
            if (!port) return std::unexpected(port.error());
            return static_cast<std::uint16_t>(*port);
        },
        .print = [](const std::optional<std::uint16_t>& port
                 ) { return port ? std::to_string(*port) : std::string{}; },
    };
}

}  // namespace stoker
