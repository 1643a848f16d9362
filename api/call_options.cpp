#include "api/call_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/fn.hpp"

namespace stoker {

namespace {

constexpr std::string_view delay_field = "Stoker-Delay";
constexpr std::string_view run_at_field = "Stoker-Run-At";
constexpr std::string_view priority_field = "Stoker-Priority";
constexpr std::string_view max_age_field = "Stoker-Max-Age";
constexpr std::array async_only_fields{delay_field, run_at_field, priority_field, max_age_field};

std::unexpected<Error> refuse(std::string message) {
    return fail(Errc::invalid_request, std::move(message));
}

Result<std::optional<WallTime>> run_at_of(
    const Headers& headers, const CallOptionLimits& limits, WallTime now
) {
    const auto* delay = find_header(headers, delay_field);
    const auto* time = find_header(headers, run_at_field);
    if (delay == nullptr && time == nullptr) return std::nullopt;
    if (delay != nullptr && time != nullptr) {
        return refuse("Stoker-Delay and Stoker-Run-At exclude each other");
    }
    std::optional<WallTime> run_at;
    if (delay != nullptr) {
        const auto duration = parse_duration(*delay);
        if (!duration) return refuse("Stoker-Delay is not a duration such as 30s");
        // Compared first: the sum might not fit.
        run_at = now + std::min(*duration, limits.delay_max + Millis{1});
    } else {
        run_at = parse_time(*time);
        if (!run_at) return refuse("Stoker-Run-At is not a time such as 2006-01-02T15:04:05Z");
    }
    if (*run_at > now + limits.delay_max) {
        return refuse(fmt::format(
            "The call is to be delayed for longer than {}", format_duration(limits.delay_max)
        ));
    }
    if (*run_at <= now) return std::nullopt;
    return run_at;
}

Result<std::optional<int>> priority_of(const Headers& headers) {
    const auto* text = find_header(headers, priority_field);
    if (text == nullptr) return std::nullopt;
    const bool is_one =
        text->size() == 1 && text->front() >= '0' && text->front() - '0' <= priority_max;
    if (!is_one) return refuse("Stoker-Priority is 0, 1 or 2");
    return text->front() - '0';
}

Result<std::optional<Millis>> max_age_of(const Headers& headers) {
    const auto* text = find_header(headers, max_age_field);
    if (text == nullptr) return std::nullopt;
    const auto age = parse_duration(*text);
    if (!age || *age <= Millis{0}) return refuse("Stoker-Max-Age is not a duration such as 30s");
    constexpr Millis longest = std::chrono::seconds(max_age_s_max);
    if (*age > longest) return refuse("Stoker-Max-Age is at most " + format_duration(longest));
    return age;
}

constexpr std::size_t key_bytes_max = 255;

Result<std::optional<std::string>> idempotency_key_of(const Headers& headers) {
    const auto* key = find_header(headers, "Idempotency-Key");
    if (key == nullptr) return std::nullopt;
    const bool is_text = std::ranges::all_of(*key, [](char c) { return c >= ' ' && c <= '~'; });
    if (key->empty() || key->size() > key_bytes_max || !is_text) {
        return refuse("Idempotency-Key must be 1 to 255 printable ASCII characters");
    }
    return *key;
}

}  // namespace

Result<CallOptions> call_options(
    const Headers& headers, const CallOptionLimits& limits, WallTime now
) {
    CallOptions options;
    auto run_at = run_at_of(headers, limits, now);
    if (!run_at) return fail(std::move(run_at.error()));
    options.run_at = *run_at;
    const auto priority = priority_of(headers);
    if (!priority) return fail(priority.error());
    options.priority = *priority;
    const auto max_age = max_age_of(headers);
    if (!max_age) return fail(max_age.error());
    options.max_age = *max_age;
    auto key = idempotency_key_of(headers);
    if (!key) return fail(std::move(key.error()));
    options.idempotency_key = std::move(*key);
    return options;
}

std::string_view async_only_field(const Headers& headers) {
    for (const auto field : async_only_fields) {
        if (find_header(headers, field) != nullptr) return field;
    }
    return {};
}

}  // namespace stoker
