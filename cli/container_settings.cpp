#include "cli/container_settings.hpp"

#include <algorithm>
#include <limits>
#include <sstream>

namespace stoker {

namespace {

using Rewritten = std::optional<std::string>;

constexpr Millis freeze_idle_max{86'400'000};
constexpr std::uint64_t gib = std::uint64_t{1} << 30U;

/// Milliseconds as a bare number, where a negative one means "never", which ours writes as 0.
Rewritten from_msecs(std::string_view text) {
    if (text.starts_with('-')) return "0";
    const auto duration = parse_duration(std::string(text) + "ms");
    // What is no number is left as it is, for the error to show it.
    if (!duration) return std::string(text);
    return format_duration(std::min(*duration, freeze_idle_max));
}

Rewritten from_mb(std::string_view text) { return std::string(text) + "MiB"; }

}  // namespace

void add_container_settings(Settings& table, ContainerSettings& to) {
    auto& confined = to.confinement;
    const auto count = integer_kind(0, std::numeric_limits<std::int32_t>::max());
    const auto bytes = size_kind(0, 1024 * gib);
    table
        .add(
            "freeze-idle",
            to.freeze_idle,
            duration_kind(Millis{0}, freeze_idle_max),
            "Until an idle container is frozen; 0 is never"
        )
        .alias("FN_FREEZE_IDLE_MSECS", from_msecs);
    table.add("max-pids", confined.pids_max, count, "Processes of a container; 0 is no limit")
        .alias("FN_MAX_PIDS");
    table
        .add(
            "max-open-files", confined.open_files_max, count, "Open files of each; 0: the engine's"
        )
        .alias("FN_MAX_OPEN_FILES");
    table
        .add(
            "max-locked-memory",
            confined.locked_memory_bytes_max,
            bytes,
            "Locked memory of each; 0: the engine's"
        )
        .alias("FN_MAX_LOCKED_MEMORY");
    table
        .add(
            "max-pending-signals",
            confined.pending_signals_max,
            count,
            "Pending signals of each; 0: the engine's"
        )
        .alias("FN_MAX_PENDING_SIGNALS");
    table
        .add(
            "max-message-queue",
            confined.message_queue_bytes_max,
            bytes,
            "Message queues of each; 0: the engine's"
        )
        .alias("FN_MAX_MESSAGE_QUEUE");
    table
        .add(
            "max-tmpfs-inodes",
            confined.tmpfs_inodes_max,
            count,
            "Files in a /tmp that has a size; 0 is no limit"
        )
        .alias("FN_MAX_TMPFS_INODES");
    table
        .add(
            "max-root-size",
            confined.root_bytes_max,
            bytes,
            "Of a container's file system, where the engine can; 0 is no limit"
        )
        .alias("FN_MAX_FS_SIZE_MB", from_mb);
    table
        .add(
            "writable-root",
            confined.writable_root,
            bool_kind(),
            "Let functions write into their image's files"
        )
        .alias("FN_DISABLE_READONLY_ROOTFS");
    table
        .add(
            "keep-privileges",
            confined.keep_privileges,
            bool_kind(),
            "Let functions have their image's user and capabilities"
        )
        .alias("FN_DISABLE_UNPRIVILEGED_CONTAINERS");
    table
        .add(
            "docker-networks",
            to.networks,
            text_kind("NAMES"),
            "Networks with blanks between; each container joins the least used, or none"
        )
        .alias("FN_DOCKER_NETWORKS");
    table
        .add(
            "container-label-tag",
            to.label_tag,
            text_kind("TAG"),
            "Value of the label fn-agent-classifier"
        )
        .alias("FN_CONTAINER_LABEL_TAG");
}

std::vector<std::string> words_of(std::string_view list) {
    std::istringstream words{std::string(list)};
    std::vector<std::string> found;
    for (std::string word; words >> word;) found.push_back(word);
    return found;
}

}  // namespace stoker
