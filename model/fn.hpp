#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/app.hpp"

namespace stoker {

enum class InvokeType : std::uint8_t { sync, async };
std::string_view to_word(InvokeType type);
std::optional<InvokeType> parse_invoke_type(std::string_view word);

/// How often a call may be executed. Loss of a worker always retries within the bound.
struct RetryPolicy {
    int max_attempts = 3;  ///< 1..100, all executions counted

    bool operator==(const RetryPolicy&) const = default;
};

/// A function: an image and how to run it. The limits here are frozen into a call when it is
/// accepted.
struct Fn {
    std::string id;
    std::string app_id;
    std::string name;
    std::string image;
    InvokeType type = InvokeType::sync;
    std::uint64_t memory = 128;      ///< MB, 1..8192
    std::int32_t timeout = 30;       ///< s, 1..300 sync, 1..3600 async
    std::int32_t idle_timeout = 30;  ///< s, 1..3600
    RetryPolicy retry;
    Config config;
    Annotations annotations;
    std::int64_t rev = 1;  ///< +1 on every change
    WallTime created_at{};
    WallTime updated_at{};

    bool operator==(const Fn&) const = default;
};

/// As AppPatch. app_id and name in a body are ignored, as Fn does.
struct FnPatch {
    std::optional<std::string> id;
    std::optional<std::string> image;
    std::optional<InvokeType> type;
    std::optional<std::uint64_t> memory;
    std::optional<std::int32_t> timeout;
    std::optional<std::int32_t> idle_timeout;
    std::optional<RetryPolicy> retry;
    Config config;
    Annotations annotations;
};

constexpr std::uint64_t fn_memory_mb_max = 8192;
constexpr std::int32_t sync_timeout_s_max = 300;
constexpr std::int32_t async_timeout_s_max = 3600;
constexpr std::int32_t idle_timeout_s_max = 3600;
constexpr int retry_attempts_max = 100;

/// In Fn's order, but for what needs the datastore (the app exists, the name is free).
Result<void> validate(const Fn& fn);
Result<Fn> apply(const Fn& fn, const FnPatch& patch, WallTime now);

}  // namespace stoker
