#include "worker/containers/docker/create_body.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace stoker {

namespace {

using Json = nlohmann::json;

constexpr std::uint64_t mebibyte = std::uint64_t{1024} * 1024;

Json mounts_of(const ContainerSpec& spec) {
    // Mounts and not Binds: a source that does not exist is an error, not a new folder. The engine
    // mounts in order of depth, so a bind under /tmp comes after the tmpfs.
    Json mounts = Json::array();
    for (const auto& bind : spec.binds) {
        mounts.push_back({
            {"Type", "bind"},
            {"Source", bind.host_path},
            {"Target", bind.container_path},
            {"ReadOnly", bind.read_only},
        });
    }
    return mounts;
}

Json ulimits_of(const Confinement& confined) {
    const std::pair<const char*, std::int64_t> limits[] = {
        {"nofile", confined.open_files_max},
        {"memlock", static_cast<std::int64_t>(confined.locked_memory_bytes_max)},
        {"sigpending", confined.pending_signals_max},
        {"msgqueue", static_cast<std::int64_t>(confined.message_queue_bytes_max)},
    };
    Json ulimits = Json::array();
    for (const auto& [name, value] : limits) {
        if (value > 0) ulimits.push_back({{"Name", name}, {"Soft", value}, {"Hard", value}});
    }
    return ulimits;
}

/// The options of the tmpfs on /tmp.
std::string tmpfs_options(const ContainerSpec& spec) {
    if (spec.tmpfs_mb == 0) return {};
    auto options = "size=" + std::to_string(spec.tmpfs_mb) + "m";
    const auto inodes = spec.confinement.tmpfs_inodes_max;
    if (inodes > 0) options += ",nr_inodes=" + std::to_string(inodes);
    return options;
}

void bound_cpu(Json& config, std::uint64_t milli_cpus) {
    constexpr std::uint64_t period_us = 100'000;
    constexpr std::uint64_t shares_of_one = 1024;
    constexpr std::uint64_t shares_min = 2;
    if (milli_cpus == 0) return;
    config["CpuPeriod"] = period_us;
    config["CpuQuota"] = milli_cpus * period_us / 1000;
    // Also where several want more than there is, each gets in proportion.
    config["CpuShares"] = std::max(shares_min, milli_cpus * shares_of_one / 1000);
}

Json host_config(const ContainerSpec& spec, CreateOptions options) {
    const auto& confined = spec.confinement;
    const auto memory = spec.memory_mb * mebibyte;
    Json config{
        {"Memory", memory},
        {"MemorySwap", memory},  // equal: no swap
        {"Ulimits", ulimits_of(confined)},
        {"ReadonlyRootfs", !confined.writable_root},
        {"Mounts", mounts_of(spec)},
        {"Init", true},  // reaps what the function leaves behind
        {"LogConfig", {{"Type", "none"}}},
    };
    if (confined.pids_max > 0) config["PidsLimit"] = confined.pids_max;
    if (!confined.writable_root || spec.tmpfs_mb > 0) {
        config["Tmpfs"] = {{"/tmp", tmpfs_options(spec)}};
    }
    if (!confined.keep_privileges) {
        config["CapDrop"] = {"ALL"};
        config["SecurityOpt"] = {"no-new-privileges"};
    }
    if (confined.root_bytes_max > 0) {
        config["StorageOpt"] = {{"size", std::to_string(confined.root_bytes_max)}};
    }
    bound_cpu(config, spec.milli_cpus);
    if (options.swappiness) config["MemorySwappiness"] = 0;
    if (!spec.network.empty()) config["NetworkMode"] = spec.network;
    return config;
}

}  // namespace

std::string create_body(const ContainerSpec& spec, CreateOptions options) {
    Json body{
        {"Image", spec.image},
        {"Env", spec.env},
        {"Labels", Json::object()},
        {"AttachStdin", spec.open_stdin},
        {"AttachStdout", false},
        {"AttachStderr", false},
        {"OpenStdin", spec.open_stdin},
        {"StdinOnce", spec.open_stdin},
        {"Tty", false},
        // An image's own health check would run processes between calls, unseen by us.
        {"Healthcheck", {{"Test", {"NONE"}}}},
        {"HostConfig", host_config(spec, options)},
    };
    if (!spec.confinement.keep_privileges) body["User"] = "1000:1000";
    for (const auto& [name, value] : spec.labels) body["Labels"][name] = value;
    if (spec.entrypoint) body["Entrypoint"] = *spec.entrypoint;
    if (spec.cmd) body["Cmd"] = *spec.cmd;
    // A container in another's network has that one's hostname; the engine refuses a second.
    if (!spec.network.starts_with("container:") && spec.network != "host") {
        body["Hostname"] = spec.name;
    }
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace stoker
