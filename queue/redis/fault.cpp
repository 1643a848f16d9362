#include "queue/redis/fault.hpp"

#include <algorithm>
#include <array>

namespace stoker::redis {

namespace {

constexpr auto reconnect = Remedy::reconnect;
constexpr auto refuse = Remedy::refuse;
constexpr bool unknown = false;
constexpr bool not_run = true;
constexpr bool passing = false;
constexpr bool lasting = true;

constexpr std::string_view no_cluster =
    "Redis Cluster is not supported: name one server, or Sentinels";
constexpr std::string_view check_account = "check the user and the password in --queue";

/// In the order of the enumerators. Of two prefixes that fit, the longer one counts.
constexpr std::array<FaultSpec, 22> specs{{
    // clang-format off
    {Fault::unreachable, "unreachable", "", reconnect, not_run, passing, "is the server up, and its address in --queue right?"},
    {Fault::timed_out, "timed_out", "", reconnect, unknown, passing, "the server or the network is too slow, or hangs"},
    {Fault::closed, "closed", "", reconnect, unknown, passing, "the server has ended or was told to"},
    {Fault::protocol, "protocol", "", reconnect, unknown, passing, "is this a Redis server?"},
    {Fault::loading, "loading", "LOADING", reconnect, not_run, passing, "the server reads its data"},
    {Fault::busy, "busy", "BUSY", reconnect, not_run, passing, "somebody's script runs for ever: SCRIPT KILL"},
    {Fault::master_down, "master_down", "MASTERDOWN", reconnect, not_run, passing, "this server is a replica without its master"},
    {Fault::try_again, "try_again", "TRYAGAIN", reconnect, not_run, passing, no_cluster},
    {Fault::cluster_down, "cluster_down", "CLUSTERDOWN", reconnect, not_run, lasting, no_cluster},
    {Fault::too_many_clients, "too_many_clients", "ERR max number of clients", reconnect, not_run, passing, "raise its maxclients"},
    {Fault::read_only, "read_only", "READONLY", reconnect, not_run, passing, "a replica: name the master, or Sentinels"},
    {Fault::moved, "moved", "MOVED", reconnect, not_run, lasting, no_cluster},
    {Fault::unusable, "unusable", "", reconnect, not_run, lasting, "use another server"},
    {Fault::out_of_memory, "out_of_memory", "OOM", refuse, not_run, passing, "raise its maxmemory; calls are put when there is room"},
    {Fault::disk_broken, "disk_broken", "MISCONF", refuse, not_run, passing, "it cannot write its files: see its log and its disk"},
    {Fault::too_few_replicas, "too_few_replicas", "NOREPLICAS", refuse, not_run, passing, "its replicas are away (min-replicas-to-write)"},
    {Fault::auth_needed, "auth_needed", "NOAUTH", reconnect, not_run, lasting, check_account},
    {Fault::wrong_password, "wrong_password", "WRONGPASS", reconnect, not_run, lasting, check_account},
    {Fault::not_permitted, "not_permitted", "NOPERM", reconnect, not_run, lasting, "docs/redis.md says what the user must be allowed"},
    {Fault::script_missing, "script_missing", "NOSCRIPT", Remedy::load_scripts, not_run, passing, "its script cache was flushed"},
    {Fault::script_failed, "script_failed", "ERR Error running script", refuse, unknown, passing, "keys under our prefix that are not ours, or a user that may not run what scripts do"},
    {Fault::other, "other", "", refuse, unknown, passing, ""},
    // clang-format on
}};

/// Other words for the same.
struct Alias {
    std::string_view prefix;
    Fault fault;
};
constexpr std::array<Alias, 8> aliases{{
    {"ASK", Fault::moved},
    {"CROSSSLOT", Fault::moved},
    {"ERR AUTH", Fault::wrong_password},
    {"ERR Client sent AUTH", Fault::wrong_password},
    {"ERR invalid password", Fault::wrong_password},
    {"ERR The user executing the script", Fault::script_failed},
    {"ERR user_script", Fault::script_failed},
    {"WRONGTYPE", Fault::script_failed},
}};

}  // namespace

const FaultSpec& spec_of(Fault fault) { return specs.at(static_cast<std::size_t>(fault)); }

Fault classify(std::string_view error_reply) {
    std::size_t longest = 0;
    auto fault = Fault::other;
    const auto consider = [&](std::string_view prefix, Fault means) {
        // BUSY is not BUSYKEY: a word ends where the prefix does.
        const bool fits = error_reply.starts_with(prefix) &&
                          (error_reply.size() == prefix.size() ||
                           error_reply[prefix.size()] == ' ' || prefix.contains(' '));
        if (!fits || prefix.size() <= longest) return;
        longest = prefix.size();
        fault = means;
    };
    for (const auto& spec : specs) consider(spec.prefix, spec.fault);
    for (const auto& alias : aliases) consider(alias.prefix, alias.fault);
    return fault;
}

}  // namespace stoker::redis
