#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/app.hpp"
#include "model/retry.hpp"

namespace stoker {

enum class InvokeType : std::uint8_t { sync, async };
std::string_view to_word(InvokeType type);
std::optional<InvokeType> parse_invoke_type(std::string_view word);

/// How a container and the agent talk (Fn's formats).
enum class FnFormat : std::uint8_t {
    http_stream,  ///< HTTP over a unix socket: hot
    http,         ///< HTTP over stdin and stdout: hot
    json,         ///< a JSON object each way over stdin and stdout: hot
    cloudevent,   ///< a CloudEvents 0.1 envelope each way over stdin and stdout: hot
    cold,         ///< the word is `default`: a container per call, body in and out over stdio
};
std::string_view to_word(FnFormat format);
std::optional<FnFormat> parse_fn_format(std::string_view word);

/// A function: an image and how to run it. The limits here are frozen into a call when it is
/// accepted.
struct Fn {
    std::string id;
    std::string app_id;
    std::string name;
    std::string image;
    InvokeType type = InvokeType::sync;
    FnFormat format = FnFormat::http_stream;
    std::uint64_t memory = 128;      ///< MB, 1..8192
    std::uint64_t cpus = 0;          ///< thousandths of a processor; 0: no bound of its own
    std::uint32_t tmpfs_size = 0;    ///< MB of /tmp, counted with memory; 0: the engine's default
    std::int32_t timeout = 30;       ///< s, 1..300 sync, 1..3600 async
    std::int32_t idle_timeout = 30;  ///< s, 1..3600
    RetryPolicy retry;
    int priority = 0;                  ///< of its calls: 0 low .. 2 high
    std::int32_t max_age = 0;          ///< s a call may wait before it starts; 0: for ever
    bool paused = false;               ///< its calls wait; changed by pausing and resuming it only
    std::int32_t max_concurrency = 0;  ///< containers in use at once on one worker; 0: no bound
    std::int32_t min_idle = 0;         ///< containers a worker keeps hot though nobody calls
    Config config;
    Annotations annotations;
    std::int64_t rev = 1;  ///< +1 on every change
    WallTime created_at{};
    WallTime updated_at{};

    /// MB that a container of it takes: /tmp lies in memory, too.
    std::uint64_t container_mb() const { return memory + tmpfs_size; }

    bool operator==(const Fn&) const = default;
};

/// As AppPatch. app_id and name in a body are ignored, as Fn does.
struct FnPatch {
    std::optional<std::string> id;
    std::optional<std::string> image;
    std::optional<InvokeType> type;
    std::optional<FnFormat> format;
    std::optional<std::uint64_t> memory;
    std::optional<std::uint64_t> cpus;
    std::optional<std::uint32_t> tmpfs_size;
    std::optional<std::int32_t> timeout;
    std::optional<std::int32_t> idle_timeout;
    std::optional<RetryPolicy> retry;
    std::optional<int> priority;
    std::optional<std::int32_t> max_age;
    std::optional<std::int32_t> max_concurrency;
    std::optional<std::int32_t> min_idle;
    Config config;
    Annotations annotations;
};

constexpr int priority_max = 2;
constexpr std::int32_t max_age_s_max = 30 * 24 * 3'600;
constexpr std::uint64_t fn_memory_mb_max = 8192;
constexpr std::int32_t sync_timeout_s_max = 300;
constexpr std::int32_t async_timeout_s_max = 3600;
constexpr std::int32_t idle_timeout_s_max = 3600;
constexpr std::uint32_t tmpfs_mb_max = 8192;
constexpr std::int32_t max_concurrency_max = 10'000;
constexpr std::int32_t min_idle_max = 1'000;

/// In Fn's order, but for what needs the datastore (the app exists, the name is free).
Result<void> validate(const Fn& fn);
Result<Fn> apply(const Fn& fn, const FnPatch& patch, WallTime now);

}  // namespace stoker
