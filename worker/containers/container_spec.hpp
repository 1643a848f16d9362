#pragma once

// Plain values that cross the seam between the agent and a container engine.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace stoker {

/// The labels every container of ours carries. Leftovers are found by the first.
inline constexpr const char* label_instance = "stoker.instance";
inline constexpr const char* label_worker = "stoker.worker";
inline constexpr const char* label_call = "stoker.call";

struct Bind {
    std::string host_path;
    std::string container_path;
    bool read_only = false;
};

/// What every container of a worker is confined to; a limit of 0 is none of its own. The defaults
/// are Fn's for unprivileged containers.
struct Confinement {
    bool writable_root = false;    ///< else the image's files cannot be changed, only /tmp
    bool keep_privileges = false;  ///< else user 1000, no capabilities, and no way to new ones
    std::int64_t pids_max = 50;
    std::int64_t open_files_max = 350;
    std::uint64_t locked_memory_bytes_max = 65'536;
    std::int64_t pending_signals_max = 5'000;
    std::uint64_t message_queue_bytes_max = 819'200;
    std::int64_t tmpfs_inodes_max = 0;  ///< where /tmp has a size of its own
    std::uint64_t root_bytes_max = 0;   ///< needs a storage driver that can, else create fails

    bool operator==(const Confinement&) const = default;
};

/// What differs between one container and the next, and the confinement they share.
struct ContainerSpec {
    std::string name;  ///< also the hostname; [a-zA-Z0-9][a-zA-Z0-9_.-]+, at most 63 characters
    std::string image;
    /// Absent: the image's own. An entrypoint without a cmd drops the image's cmd, as Docker does.
    std::optional<std::vector<std::string>> entrypoint;
    std::optional<std::vector<std::string>> cmd;
    std::vector<std::string> env;  ///< "NAME=value", over the image's
    std::vector<std::pair<std::string, std::string>> labels;
    std::uint64_t memory_mb = 128;  ///< what it writes into /tmp counts, too; never swapped
    std::uint64_t tmpfs_mb = 0;     ///< size of /tmp; 0: the engine's default
    std::uint64_t milli_cpus = 0;   ///< processor time at most, and its share of it; 0: no bound
    Confinement confinement;
    std::vector<Bind> binds;  ///< may lie under /tmp: they are mounted after its tmpfs
    std::string network;      ///< empty: the engine's default; "none", a network, "container:<id>"
    bool open_stdin = false;  ///< for formats that speak over stdin; it ends with the attach stream
};

struct ImageInfo {
    std::string id;
    std::vector<std::string> entrypoint;
    std::vector<std::string> cmd;
    std::string working_dir;
    std::string user;
    std::vector<std::string> env;
    bool has_volumes = false;
};

/// An image as the engine lists it.
struct StoredImage {
    std::string id;
    std::vector<std::string> names;  ///< `name:tag` and `name@digest`
    std::uint64_t bytes = 0;         ///< with the layers it shares with others

    bool operator==(const StoredImage&) const = default;
};

struct PullProgress {
    std::string status;  ///< the engine's words, e.g. "Downloading"
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_total = 0;  ///< of the layers whose size is known so far
    std::size_t layers_done = 0;
    std::size_t layers_total = 0;

    bool operator==(const PullProgress&) const = default;
};
/// Called on the lane that awaits the pull, as often as the engine reports.
using OnPullProgress = std::function<void(const PullProgress&)>;

struct PullOptions {
    OnPullProgress progress;  ///< may be empty
    /// Without a word from the engine for so long the pull counts as stalled, and has failed.
    std::chrono::milliseconds silence_max{std::chrono::minutes{2}};
};

struct ContainerState {
    bool running = false;
    int pid = 0;  ///< on the engine's machine; 0 when not running
    int exit_code = 0;
    bool oom_killed = false;
    std::string error;  ///< the engine's words when the process could not be started

    bool operator==(const ContainerState&) const = default;
};

struct ExitStatus {
    /// 128 + n for signal n; empty when the engine no longer knows the container.
    std::optional<int> code;
    /// It was not watched all the time. An engine that starts kills what ran without it.
    bool engine_was_away = false;

    bool operator==(const ExitStatus&) const = default;
};

/// What a container has used since its start.
struct ContainerStats {
    std::chrono::nanoseconds cpu{};
    std::uint64_t memory_peak_bytes = 0;
    std::uint64_t disk_read_bytes = 0;
    std::uint64_t disk_written_bytes = 0;
    std::uint64_t net_received_bytes = 0;
    std::uint64_t net_sent_bytes = 0;

    bool operator==(const ContainerStats&) const = default;
};

struct AttachOptions {
    bool input = false;  ///< needs ContainerSpec::open_stdin
    bool output = true;
    bool error = true;
};

enum class OutputStream : std::uint8_t { standard_output = 1, standard_error = 2 };

struct OutputFrame {
    OutputStream stream = OutputStream::standard_output;
    std::string data;

    bool operator==(const OutputFrame&) const = default;
};

}  // namespace stoker
