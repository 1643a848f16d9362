// What a table of settings prints: --help and --print-config.

#include <fmt/format.h>

#include <algorithm>

#include "common/config_file.hpp"
#include "common/settings.hpp"

namespace stoker {

namespace {

constexpr std::size_t columns = 100;
constexpr std::size_t help_column = 28;

/// Appends `text` from `column` on, in lines of at most `columns`, and ends the line.
void append_wrapped(std::string& out, std::string_view text, std::size_t column) {
    std::size_t at = column;
    while (!text.empty()) {
        const auto word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (at > column && at + 1 + word.size() > columns) {
            out += '\n';
            out.append(column, ' ');
            at = column;
        } else if (at > column) {
            out += ' ';
            ++at;
        }
        out += word;
        at += word.size();
    }
    out += '\n';
}

std::string help_of(const Setting& row) {
    const bool plain_flag = !row.needs_value() && row.standard == "false";
    if (plain_flag || row.standard.empty() || row.secret) return row.help;
    return fmt::format("{} (default {})", row.help, row.standard);
}

void append_row(std::string& out, const Setting& row) {
    auto left = fmt::format("  --{}", row.name);
    if (row.needs_value()) left += ' ' + row.placeholder;
    out += left;
    if (left.size() + 2 > help_column) {
        out += '\n';
        out.append(help_column, ' ');
    } else {
        out.append(help_column - left.size(), ' ');
    }
    append_wrapped(out, help_of(row), help_column);
}

std::string_view origin_of(SettingSource source) {
    switch (source) {
        case SettingSource::file: return "from the file";
        case SettingSource::alias: return "from an alias";
        case SettingSource::variable: return "from the environment";
        case SettingSource::flag: return "from a flag";
        default: return "default";
    }
}

bool is_bare_value(const Setting& row, std::string_view value) {
    if (!row.needs_value()) return true;
    return !value.empty() && row.placeholder == "N" &&
           value.find_first_not_of("-0123456789") == std::string_view::npos;
}

}  // namespace

std::string Settings::help_text() const {
    auto out = fmt::format("Usage: {}\n", usage_);
    if (!about_.empty()) {
        out += '\n';
        append_wrapped(out, about_, 0);
    }
    std::vector<std::string> groups;
    for (const auto& row : rows_) {
        if (std::ranges::find(groups, row.group) == groups.end()) groups.push_back(row.group);
    }
    // The general ones come last, although they are made first.
    std::ranges::rotate(groups, groups.begin() + 1);
    for (const auto& title : groups) {
        out += fmt::format("\n{}:\n", title);
        for (const auto& row : rows_) {
            if (row.group == title) append_row(out, row);
        }
    }
    if (!file_allowed_) return out;
    out += "\nEach flag --foo-bar can be set by STOKER_FOO_BAR as well; the flag counts.\n";
    return out;
}

std::string Settings::config_text() const {
    std::string out;
    for (const auto& row : rows_) {
        if (row.only_flag || row.name == "config") continue;
        auto key = row.name;
        std::ranges::replace(key, '-', '_');
        const auto value = row.print();
        const auto shown = row.secret && !value.empty() ? "***" : value;
        // What is empty by default could not be read back as a value of its kind.
        if (value.empty() && row.source == SettingSource::standard) {
            out += fmt::format("# {} =\n", key);
            continue;
        }
        out += fmt::format(
            "{} = {}  # {}\n",
            key,
            is_bare_value(row, shown) ? shown : toml_quoted(shown),
            origin_of(row.source)
        );
    }
    return out;
}

}  // namespace stoker
