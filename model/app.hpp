#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "model/error.hpp"

namespace stoker {

using Config = std::map<std::string, std::string>;
/// Key to compact JSON text, the order of the value's own keys kept.
using Annotations = std::map<std::string, std::string>;

/// A set of functions that share configuration.
struct App {
    std::string id;
    std::string name;
    Config config;
    Annotations annotations;
    std::optional<std::string> syslog_url;
    WallTime created_at{};
    WallTime updated_at{};

    bool operator==(const App&) const = default;
};

/// What a PUT changes: an absent field is kept; in the maps the value "" (null for an annotation)
/// deletes the key.
struct AppPatch {
    std::optional<std::string> id;
    std::optional<std::string> name;
    Config config;
    Annotations annotations;
    std::optional<std::string> syslog_url;  ///< "" removes it
};

/// All rules of a whole App but its id; the first broken one is reported.
Result<void> validate(const App& app);
/// The merged App, validated; updated_at moves only if something changed.
Result<App> apply(const App& app, const AppPatch& patch, WallTime now);

Result<void> validate_annotations(const Annotations& annotations);
/// Each entry can be an environment variable: Fn finds out when a container does not start.
Result<void> validate_config(const Config& config);
/// Keys with the value "" are removed, others set.
void merge(Config& config, const Config& patch);
void merge_annotations(Annotations& annotations, const Annotations& patch);

}  // namespace stoker
