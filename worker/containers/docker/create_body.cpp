#include "worker/containers/docker/create_body.hpp"

#include <nlohmann/json.hpp>

namespace stoker {

namespace {

using Json = nlohmann::json;

constexpr std::uint64_t mebibyte = std::uint64_t{1024} * 1024;

Json ulimit(const char* name, std::int64_t value) {
    return {{"Name", name}, {"Soft", value}, {"Hard", value}};
}

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

Json host_config(const ContainerSpec& spec, CreateOptions options) {
    const auto memory = spec.memory_mb * mebibyte;
    Json config{
        {"Memory", memory},
        {"MemorySwap", memory},  // equal: no swap
        {"PidsLimit", 50},
        {"Ulimits",
         {ulimit("nofile", 350),
          ulimit("memlock", 65536),
          ulimit("sigpending", 5000),
          ulimit("msgqueue", 819200)}},
        {"ReadonlyRootfs", true},
        {"Tmpfs", {{"/tmp", ""}}},
        {"Mounts", mounts_of(spec)},
        {"Init", true},  // reaps what the function leaves behind
        {"CapDrop", {"ALL"}},
        {"SecurityOpt", {"no-new-privileges"}},
        {"LogConfig", {{"Type", "none"}}},
    };
    if (options.swappiness) config["MemorySwappiness"] = 0;
    if (!spec.network.empty()) config["NetworkMode"] = spec.network;
    return config;
}

}  // namespace

std::string create_body(const ContainerSpec& spec, CreateOptions options) {
    Json body{
        {"Image", spec.image},
        {"User", "1000:1000"},
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
