#include "common/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "common/config_file.hpp"
#include "common/nearest.hpp"

namespace stoker {

namespace {

std::string variable_of(std::string_view name) {
    std::string variable = "STOKER_";
    for (const char c : name) {
        variable += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
    }
    return variable;
}

struct Found {
    std::string variable;  ///< as it was written
    std::string value;
    std::string error;
};

/// The variable itself, or the contents of the file that X_FILE names.
std::optional<Found> look_up(const Environment& environment, const std::string& variable) {
    if (auto value = environment(variable)) return Found{variable, std::move(*value), {}};
    const auto path = environment(variable + "_FILE");
    if (!path) return std::nullopt;
    Found found{variable + "_FILE", {}, {}};
    auto text = read_text_file(*path);
    if (!text) {
        found.error = fmt::format("{}: cannot read {}", found.variable, *path);
        return found;
    }
    found.value = std::move(*text);
    while (found.value.ends_with('\n') || found.value.ends_with('\r')) found.value.pop_back();
    return found;
}

/// Weakest source first, so that a stronger one overwrites; an equal one does too.
void assign(
    Setting& row,
    SettingSource source,
    std::string_view value,
    std::string_view where,
    Settings::Loaded& loaded
) {
    if (source < row.source) return;
    if (const auto wrong = row.assign(value)) {
        loaded.errors.push_back(
            row.secret ? fmt::format("{}: the value is not valid", where)
                       : fmt::format("{}: {}", where, *wrong)
        );
    } else {
        row.source = source;
    }
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        // Read at start, before there are threads that could change it.
        const auto* value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return value;
    };
}

Settings::Settings(std::string usage, std::string about, File file) :
    usage_(std::move(usage)),
    about_(std::move(about)),
    file_allowed_(file == File::allowed) {
    group("General");
    add("help", help_, bool_kind(), "Show this text").flag_only();
    if (!file_allowed_) return;
    add("config", config_path_, text_kind("FILE"), "Read settings from this TOML file");
    add("print-config", print_config_, bool_kind(), "Show the settings in force and stop")
        .flag_only();
}

Setting& Settings::add_row(Setting row) {
    row.group = group_;
    return rows_.emplace_back(std::move(row));
}

Setting* Settings::find(std::string_view name) {
    const auto at = std::ranges::find(rows_, name, &Setting::name);
    return at == rows_.end() ? nullptr : &*at;
}

SettingSource Settings::source_of(std::string_view name) const {
    const auto at = std::ranges::find(rows_, name, &Setting::name);
    return at == rows_.end() ? SettingSource::standard : at->source;
}

Settings::Loaded Settings::load(
    std::span<const std::string> arguments, const Environment& environment
) {
    Loaded loaded;
    load_environment(environment, loaded);
    load_arguments(arguments, loaded);
    // The file is named by the others, and is weaker than them.
    if (!config_path_.empty()) load_file(config_path_, loaded);
    loaded.help = help_;
    loaded.print_config = print_config_;
    return loaded;
}

void Settings::load_environment(const Environment& environment, Loaded& loaded) {
    for (auto& row : rows_) {
        if (row.only_flag) continue;
        for (const auto& alias : row.aliases) {
            const auto found = look_up(environment, alias.variable);
            if (!found) continue;
            if (!found->error.empty()) {
                loaded.errors.push_back(found->error);
                continue;
            }
            const auto value =
                alias.rewrite ? alias.rewrite(found->value) : std::optional(found->value);
            if (value) assign(row, SettingSource::alias, *value, found->variable, loaded);
        }
        const auto found = look_up(environment, variable_of(row.name));
        if (!found) continue;
        if (!found->error.empty()) {
            loaded.errors.push_back(found->error);
        } else {
            assign(row, SettingSource::variable, found->value, found->variable, loaded);
        }
    }
}

void Settings::load_arguments(std::span<const std::string> arguments, Loaded& loaded) {
    bool flags_ended = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& argument = arguments[i];
        if (flags_ended || argument == "-" || !argument.starts_with('-')) {
            loaded.positionals.push_back(argument);
            continue;
        }
        if (argument == "--") {
            flags_ended = true;
            continue;
        }
        const auto equals = argument.find('=');
        const auto flag = argument == "-h" ? std::string("--help") : argument.substr(0, equals);
        auto* row = flag.starts_with("--") ? find(std::string_view(flag).substr(2)) : nullptr;
        if (row == nullptr) {
            loaded.errors.push_back(
                fmt::format("unknown flag {}{}", flag, did_you_mean(flag, flag_names()))
            );
        } else if (equals != std::string::npos) {
            assign(*row, SettingSource::flag, argument.substr(equals + 1), flag, loaded);
        } else if (!row->needs_value()) {
            assign(*row, SettingSource::flag, "true", flag, loaded);
        } else if (i + 1 < arguments.size()) {
            assign(*row, SettingSource::flag, arguments[++i], flag, loaded);
        } else {
            loaded.errors.push_back(fmt::format("{}: needs a value ({})", flag, row->placeholder));
        }
    }
}

void Settings::load_file(const std::string& path, Loaded& loaded) {
    auto file = read_config_file(path);
    if (!file.error.empty()) {
        loaded.errors.push_back(std::move(file.error));
        return;
    }
    for (const auto& [key, value] : file.entries) {
        auto name = key;
        std::ranges::replace(name, '_', '-');
        auto* row =
            name == "help" || name == "config" || name == "print-config" ? nullptr : find(name);
        if (row != nullptr) {
            assign(*row, SettingSource::file, value, fmt::format("{}: {}", path, key), loaded);
            continue;
        }
        std::vector<std::string> keys;
        for (const auto& known : rows_) {
            if (known.only_flag || known.name == "config") continue;
            keys.push_back(known.name);
            std::ranges::replace(keys.back(), '-', '_');
        }
        loaded.errors.push_back(
            fmt::format("{}: unknown key {}{}", path, key, did_you_mean(key, keys))
        );
    }
}

std::vector<std::string> Settings::flag_names() const {
    std::vector<std::string> names;
    for (const auto& row : rows_) names.push_back("--" + row.name);
    return names;
}

}  // namespace stoker
