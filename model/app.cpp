#include "model/app.hpp"

#include <algorithm>
#include <array>

#include "common/utf8.hpp"

namespace stoker {

namespace {

constexpr std::size_t app_name_bytes_max = 255;
constexpr std::size_t annotation_keys_max = 100;
constexpr std::size_t annotation_key_bytes_max = 128;
constexpr std::size_t annotation_value_bytes_max = 512;

bool is_name_text(std::string_view text) {
    while (!text.empty()) {
        const auto c = take_code_point(text);
        if (!c) return false;
        if (*c != '_' && *c != '-' && !is_letter_or_digit(*c)) return false;
    }
    return true;
}

Result<void> validate_syslog_url(const std::string& url) {
    constexpr std::array<std::string_view, 5> schemes{"tcp", "udp", "unix", "unixgram", "tcp+tls"};
    const auto colon = url.find("://");
    const auto scheme = std::string_view(url).substr(0, colon == std::string::npos ? 0 : colon);
    if (std::ranges::find(schemes, scheme) != schemes.end()) return {};
    return fail(
        Errc::invalid_request,
        "invalid syslog url: \"" + url +
            "\" the scheme must be one of tcp, udp, unix, unixgram, tcp+tls"
    );
}

/// Compact JSON text that means nothing: it deletes on update and is refused on create.
bool is_empty_json(std::string_view text) {
    return text.empty() || text == "\"\"" || text == "null";
}

Result<void> validate_annotation(const std::string& key, const std::string& value) {
    const bool printable = std::ranges::all_of(key, [](char c) { return c >= '!' && c <= '~'; });
    if (key.empty() || !printable) {
        return fail(
            Errc::invalid_request,
            "Invalid annotation key, annotation keys must be non-empty ascii strings excluding "
            "whitespace"
        );
    }
    if (key.size() > annotation_key_bytes_max) {
        return fail(
            Errc::invalid_request,
            "Invalid annotation key length, annotation keys may not be larger than 128 bytes"
        );
    }
    if (is_empty_json(value)) {
        return fail(
            Errc::invalid_request,
            "Invalid annotation value, annotation values may only be non-empty strings, numbers, "
            "objects, or arrays"
        );
    }
    if (value.size() > annotation_value_bytes_max) {
        return fail(
            Errc::invalid_request,
            "Invalid annotation value length, annotation values may not be larger than 512 bytes "
            "when serialized as JSON"
        );
    }
    return {};
}

}  // namespace

Result<void> validate(const App& app) {
    if (app.name.empty()) return fail(Errc::invalid_request, "Missing Name");
    if (app.name.size() > app_name_bytes_max) {
        return fail(Errc::invalid_request, "App name must be 255 characters or less");
    }
    if (!is_name_text(app.name)) return fail(Errc::invalid_request, "Invalid app name");
    if (auto valid = validate_config(app.config); !valid) return valid;
    if (auto valid = validate_annotations(app.annotations); !valid) return valid;
    if (app.syslog_url) return validate_syslog_url(*app.syslog_url);
    return {};
}

Result<App> apply(const App& app, const AppPatch& patch, WallTime now) {
    if (patch.id && *patch.id != app.id) {
        return fail(Errc::invalid_request, "App ID in path does not match ID in body");
    }
    if (patch.name && *patch.name != app.name) {
        return fail(Errc::conflict, "Could not update - name is immutable");
    }
    App merged = app;
    merge(merged.config, patch.config);
    merge_annotations(merged.annotations, patch.annotations);
    if (patch.syslog_url) {
        merged.syslog_url.reset();
        if (!patch.syslog_url->empty()) merged.syslog_url = patch.syslog_url;
    }
    if (auto valid = validate(merged); !valid) return fail(std::move(valid.error()));
    if (merged != app) merged.updated_at = now;
    return merged;
}

Result<void> validate_annotations(const Annotations& annotations) {
    for (const auto& [key, value] : annotations) {
        if (auto valid = validate_annotation(key, value); !valid) return valid;
    }
    if (annotations.size() > annotation_keys_max) {
        return fail(
            Errc::invalid_request,
            "Invalid annotation change, new key(s) exceed maximum permitted number of annotations "
            "keys (100)"
        );
    }
    return {};
}

Result<void> validate_config(const Config& config) {
    for (const auto& [key, value] : config) {
        if (key.empty() || key.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
            return fail(
                Errc::invalid_request,
                "Invalid config key, config keys must be non-empty and without = and NUL"
            );
        }
        if (value.contains('\0')) {
            return fail(
                Errc::invalid_request, "Invalid config value, config values must be without NUL"
            );
        }
    }
    return {};
}

void merge(Config& config, const Config& patch) {
    for (const auto& [key, value] : patch) {
        if (value.empty()) {
            config.erase(key);
        } else {
            config[key] = value;
        }
    }
}

void merge_annotations(Annotations& annotations, const Annotations& patch) {
    for (const auto& [key, value] : patch) {
        if (is_empty_json(value)) {
            annotations.erase(key);
        } else {
            annotations[key] = value;
        }
    }
}

}  // namespace stoker
