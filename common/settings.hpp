#pragma once

// The settings of a command as one table: each row is a flag, an environment variable, a key of the
// configuration file, a line of --help and a line of --print-config. A command fills a table with
// references to the fields of its own struct, whose initial values are the defaults, then calls
// load() once at start, on one thread.
//
// Setting `foo-bar` is the flag --foo-bar, the variable STOKER_FOO_BAR and the key foo_bar.
// Stronger first: flag, STOKER_ variable, alias, file (only when named by --config), default. A
// variable may be given through a file: X_FILE names one that holds the value of X.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/setting_kinds.hpp"

namespace stoker {

/// Weaker first.
enum class SettingSource : std::uint8_t { standard, file, alias, variable, flag };

/// One row, without the type of its value.
struct Setting {
    /// Another variable that sets it, as Fn names it. `rewrite` turns its notation into ours; empty
    /// means "as if not set".
    struct Alias {
        std::string variable;
        std::function<std::optional<std::string>(std::string_view)> rewrite;
    };

    std::string name;
    std::string group;
    std::string help;
    std::string placeholder;
    std::string standard;  ///< the default as text
    std::vector<Alias> aliases;
    bool secret = false;
    bool only_flag = false;
    SettingSource source = SettingSource::standard;
    /// Sets the field; what is wrong with the text otherwise.
    std::function<std::optional<std::string>(std::string_view)> assign;
    std::function<std::string()> print;

    bool needs_value() const { return !placeholder.empty(); }

    Setting& alias(std::string variable) { return alias(std::move(variable), nullptr); }
    Setting& alias(
        std::string variable, std::function<std::optional<std::string>(std::string_view)> rewrite
    ) {
        aliases.push_back({std::move(variable), std::move(rewrite)});
        return *this;
    }
    /// Not set by the environment.
    Setting& flag_only() {
        only_flag = true;
        return *this;
    }
    /// Shown as ***.
    Setting& hidden() {
        secret = true;
        return *this;
    }
};

/// The process environment, or a test's.
using Environment = std::function<std::optional<std::string>(const std::string&)>;
Environment process_environment();

class Settings {
public:
    /// `usage` is the first line of the help, `about` the paragraph below it. `file` adds --config
    /// and --print-config.
    enum class File : std::uint8_t { none, allowed };
    Settings(std::string usage, std::string about, File file);
    Settings(const Settings&) = delete;
    Settings& operator=(const Settings&) = delete;

    /// Rows added from here on appear under this title.
    void group(std::string title) { group_ = std::move(title); }

    /// The field must outlive the table. The row returned is valid until the next add().
    template <class T>
    Setting& add(std::string name, T& field, SettingKind<T> kind, std::string help) {
        Setting row;
        row.name = std::move(name);
        row.help = std::move(help);
        row.placeholder = kind.placeholder;
        row.standard = kind.print(field);
        row.assign = [&field, parse = kind.parse](std::string_view text) {
            auto value = parse(text);
            if (!value) return std::optional(value.error());
            field = std::move(*value);
            return std::optional<std::string>{};
        };
        row.print = [&field, print = kind.print] { return print(field); };
        return add_row(std::move(row));
    }

    struct Loaded {
        std::vector<std::string> errors;       ///< all of them, ready to print
        std::vector<std::string> positionals;  ///< arguments that are no flags
        bool help = false;
        bool print_config = false;
    };
    /// `arguments` without the names of program and command. After `--` all are positional.
    Loaded load(std::span<const std::string> arguments, const Environment& environment);

    SettingSource source_of(std::string_view name) const;
    std::string help_text() const;
    /// The values in force as a configuration file, with where each came from; secrets as ***.
    std::string config_text() const;

private:
    Setting& add_row(Setting row);
    Setting* find(std::string_view name);
    void load_file(const std::string& path, Loaded& loaded);
    void load_environment(const Environment& environment, Loaded& loaded);
    void load_arguments(std::span<const std::string> arguments, Loaded& loaded);
    std::vector<std::string> flag_names() const;

    std::string usage_;
    std::string about_;
    std::string group_;
    std::vector<Setting> rows_;
    std::string config_path_;
    const bool file_allowed_;
    bool help_ = false;
    bool print_config_ = false;
};

}  // namespace stoker
