#include "common/config_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <fstream>
#include <iterator>
#include <optional>

namespace stoker {

namespace {

std::optional<std::string> as_text(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return std::to_string(number->get());
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    return std::nullopt;
}

}  // namespace

ConfigFile read_config_file(const std::string& path) {
    ConfigFile result;
    std::ifstream file(path);
    if (!file) {
        result.error = fmt::format("--config: cannot read {}", path);
        return result;
    }
    const std::string text(std::istreambuf_iterator(file), {});
    toml::table table;
    try {
        table = toml::parse(text, path);
    } catch (const toml::parse_error& broken) {
        result.error =
            fmt::format("{}:{}: {}", path, broken.source().begin.line, broken.description());
        return result;
    }
    for (const auto& [key, node] : table) {
        auto value = as_text(node);
        if (!value) {
            result.error = fmt::format(
                "{}:{}: {} must be a text, a whole number, true or false",
                path,
                node.source().begin.line,
                key.str()
            );
            return result;
        }
        result.entries.emplace_back(key.str(), std::move(*value));
    }
    return result;
}

std::string toml_quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            out += fmt::format("\\u{:04X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
            out += c;
        }
    }
    return out + '"';
}

}  // namespace stoker
