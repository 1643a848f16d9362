#include "model/fn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "model/cpus.hpp"

namespace stoker {

namespace {

constexpr std::size_t fn_name_bytes_max = 255;

/// What a path segment may hold unescaped: the name is its own URL form.
bool is_path_segment(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("-_.~$&+:=@").contains(c);
    });
}

Result<void> validate_names(const Fn& fn) {
    if (fn.app_id.empty()) return fail(Errc::invalid_request, "Missing AppID on Fn");
    if (fn.name.empty()) return fail(Errc::invalid_request, "Missing Fn name");
    if (fn.name.size() > fn_name_bytes_max) {
        return fail(Errc::invalid_request, "Fn name must be 255 characters or less");
    }
    if (!is_path_segment(fn.name)) {
        return fail(Errc::invalid_request, "name must be a valid string");
    }
    if (fn.image.empty()) return fail(Errc::invalid_request, "Missing image on Fn");
    return {};
}

Result<void> out_of_range(std::string_view what, std::int64_t low, std::int64_t high) {
    return fail(
        Errc::invalid_request,
        fmt::format("{} value is out of range, must be between {} and {}", what, low, high)
    );
}

Result<void> validate(const RetryPolicy& retry) {
    if (retry.max_attempts < 1 || retry.max_attempts > retry_attempts_max) {
        return out_of_range("retry.max_attempts", 1, retry_attempts_max);
    }
    if (retry.base_ms < 0 || retry.base_ms > retry_pause_ms_max) {
        return out_of_range("retry.base_ms", 0, retry_pause_ms_max);
    }
    if (retry.cap_ms < 0 || retry.cap_ms > retry_pause_ms_max) {
        return out_of_range("retry.cap_ms", 0, retry_pause_ms_max);
    }
    return {};
}

/// Settings that Fn's functions do not have.
Result<void> validate_own_limits(const Fn& fn) {
    if (auto valid = validate(fn.retry); !valid) return valid;
    if (fn.priority < 0 || fn.priority > priority_max) {
        return out_of_range("priority", 0, priority_max);
    }
    if (fn.max_age < 0 || fn.max_age > max_age_s_max) {
        return out_of_range("max_age", 0, max_age_s_max);
    }
    if (fn.cpus > milli_cpus_max) return fail(Errc::invalid_request, std::string(cpus_rule));
    if (fn.tmpfs_size > tmpfs_mb_max) return out_of_range("tmpfs_size", 0, tmpfs_mb_max);
    if (fn.max_concurrency < 0 || fn.max_concurrency > max_concurrency_max) {
        return out_of_range("max_concurrency", 0, max_concurrency_max);
    }
    if (fn.min_idle < 0 || fn.min_idle > min_idle_max) {
        return out_of_range("min_idle", 0, min_idle_max);
    }
    if (fn.min_idle > 0 && fn.format == FnFormat::cold) {
        return fail(
            Errc::invalid_request, "min_idle needs a hot format: format default starts per call"
        );
    }
    if (fn.max_concurrency > 0 && fn.min_idle > fn.max_concurrency) {
        return fail(Errc::invalid_request, "min_idle must not exceed max_concurrency");
    }
    return {};
}

/// Fn's texts say 0 where 1 is meant; clients compare them.
Result<void> validate_limits(const Fn& fn) {
    const bool async = fn.type == InvokeType::async;
    if (fn.timeout < 1 || fn.timeout > (async ? async_timeout_s_max : sync_timeout_s_max)) {
        return fail(
            Errc::invalid_request,
            async ? "timeout value is out of range, must be between 0 and 3600"
                  : "timeout value is out of range, must be between 0 and 300"
        );
    }
    if (fn.idle_timeout < 1 || fn.idle_timeout > idle_timeout_s_max) {
        return fail(
            Errc::invalid_request, "idle_timeout value is out of range, must be between 0 and 3600"
        );
    }
    if (fn.memory < 1 || fn.memory > fn_memory_mb_max) {
        return fail(
            Errc::invalid_request, "memory value is out of range. It should be between 0 and 8192"
        );
    }
    return validate_own_limits(fn);
}

constexpr std::array<std::string_view, 5> format_words{
    "http-stream", "http", "json", "cloudevent", "default"
};

}  // namespace

std::string_view to_word(FnFormat format) { return format_words.at(std::to_underlying(format)); }

std::optional<FnFormat> parse_fn_format(std::string_view word) {
    const auto found = std::ranges::find(format_words, word);
    if (found == format_words.end()) return std::nullopt;
    return static_cast<FnFormat>(found - format_words.begin());
}

std::string_view to_word(InvokeType type) { return type == InvokeType::async ? "async" : "sync"; }

std::optional<InvokeType> parse_invoke_type(std::string_view word) {
    if (word == "sync") return InvokeType::sync;
    if (word == "async") return InvokeType::async;
    return std::nullopt;
}

Result<void> validate(const Fn& fn) {
    if (auto valid = validate_names(fn); !valid) return valid;
    if (auto valid = validate_limits(fn); !valid) return valid;
    if (auto valid = validate_config(fn.config); !valid) return valid;
    return validate_annotations(fn.annotations);
}

Result<Fn> apply(const Fn& fn, const FnPatch& patch, WallTime now) {
    if (patch.id && *patch.id != fn.id) {
        return fail(Errc::invalid_request, "Fn ID in path does not match that in body");
    }
    Fn merged = fn;
    merged.image = patch.image.value_or(fn.image);
    merged.type = patch.type.value_or(fn.type);
    merged.format = patch.format.value_or(fn.format);
    merged.memory = patch.memory.value_or(fn.memory);
    merged.cpus = patch.cpus.value_or(fn.cpus);
    merged.tmpfs_size = patch.tmpfs_size.value_or(fn.tmpfs_size);
    merged.timeout = patch.timeout.value_or(fn.timeout);
    merged.idle_timeout = patch.idle_timeout.value_or(fn.idle_timeout);
    merged.retry = patch.retry.value_or(fn.retry);
    merged.priority = patch.priority.value_or(fn.priority);
    merged.max_age = patch.max_age.value_or(fn.max_age);
    merged.max_concurrency = patch.max_concurrency.value_or(fn.max_concurrency);
    merged.min_idle = patch.min_idle.value_or(fn.min_idle);
    merge(merged.config, patch.config);
    merge_annotations(merged.annotations, patch.annotations);
    if (auto valid = validate(merged); !valid) return fail(std::move(valid.error()));
    if (merged != fn) {
        merged.rev = fn.rev + 1;
        merged.updated_at = now;
    }
    return merged;
}

}  // namespace stoker
