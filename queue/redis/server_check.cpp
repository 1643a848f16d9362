#include "queue/redis/server_check.hpp"

#include <charconv>

namespace stoker::redis {

namespace {

constexpr int major_version_min = 7;

/// What we would rather have: a value, or (with `is_not`) any but that.
struct Wish {
    std::string_view setting;
    std::string_view value;
    bool is_not;
    std::string_view hint;
};

constexpr std::array wishes{
    Wish{
        "maxmemory-policy",
        "noeviction",
        false,
        "a server that evicts keys loses calls on their way; they are put again 20 s later"
    },
    Wish{
        "maxmemory",
        "0",
        true,
        "without a limit the server may fill the memory of its machine: about 60 % of it is good"
    },
    Wish{
        "appendonly",
        "yes",
        false,
        "a server that starts again is empty; waiting calls are put again 20 s later"
    },
    Wish{
        "appendfsync",
        "no",
        true,
        "everysec loses what was put within a second or two, always loses nothing; no loses more"
    },
    Wish{
        "no-appendfsync-on-rewrite",
        "no",
        false,
        "while the file is rewritten nothing is synced, whatever appendfsync says"
    },
};

/// The value of `name:value` in the text of INFO.
std::string field_of(std::string_view info, std::string_view name) {
    std::string_view rest = info;
    while (!rest.empty()) {
        const auto end = std::min(rest.find("\r\n"), rest.size());
        const auto line = rest.substr(0, end);
        if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
            return std::string(line.substr(name.size() + 1));
        }
        rest.remove_prefix(std::min(end + 2, rest.size()));
    }
    return {};
}

bool breaks_connection(const Error& error) {
    return spec_of(error.fault).remedy == Remedy::reconnect && error.fault != Fault::not_permitted;
}

}  // namespace

std::string unusable_reason(const ServerFacts& facts) {
    if (facts.is_cluster) {
        return "the server is part of a Redis Cluster, which is not supported: name one that is "
               "not, "
               "or Sentinels";
    }
    int major = major_version_min;
    std::from_chars(facts.version.data(), facts.version.data() + facts.version.size(), major);
    if (major < major_version_min) {
        return "the server is Redis " + facts.version + ", and 7.0 is the oldest that can be used";
    }
    return {};
}

std::vector<ServerWarning> warnings_of(const ServerFacts& facts) {
    std::vector<ServerWarning> warnings;
    if (!facts.is_config_known) {
        warnings.push_back(
            {"config",
             "unknown",
             "the user may not CONFIG GET: see to maxmemory-policy noeviction and appendonly yes"}
        );
    }
    const auto persists = facts.config.find("appendonly");
    for (const auto& wish : wishes) {
        const auto found = facts.config.find(wish.setting);
        if (found == facts.config.end() || (found->second == wish.value) != wish.is_not) continue;
        // How a file is synced matters only where there is one.
        const bool is_of_file = wish.setting.contains("appendfsync");
        if (is_of_file && persists != facts.config.end() && persists->second == "no") continue;
        warnings.push_back({wish.setting, found->second, wish.hint});
    }
    return warnings;
}

Task<Result<ServerFacts>> ask_facts(Connection& connection, Millis step_max) {
    ServerFacts facts;
    const std::array<std::string_view, 2> ask_info{"INFO", "server"};
    const auto info = co_await connection.command(ask_info, deadline_in(step_max));
    if (!info && breaks_connection(info.error())) co_return std::unexpected(info.error());
    if (info) {
        facts.version = field_of(info->text, "redis_version");
        facts.is_cluster = field_of(info->text, "redis_mode") == "cluster";
    }
    std::vector<std::string_view> ask_config{"CONFIG", "GET"};
    for (const auto& wish : wishes) ask_config.push_back(wish.setting);
    const auto config = co_await connection.command(ask_config, deadline_in(step_max));
    if (!config && breaks_connection(config.error())) co_return std::unexpected(config.error());
    facts.is_config_known = config.has_value();
    if (!config) co_return facts;
    for (std::size_t i = 0; i + 1 < config->items.size(); i += 2) {
        facts.config[config->items[i].text] = config->items[i + 1].text;
    }
    co_return facts;
}

}  // namespace stoker::redis
