#include "common/config_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <array>
#include <fstream>

namespace stoker {

namespace {

std::optional<std::string> as_text(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return std::to_string(number->get());
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    return std::nullopt;
}

}  // namespace

std::optional<std::string> read_text_file(const std::string& path) {
    constexpr std::size_t bytes_max = std::size_t{1} << 20U;
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::string text;
    std::array<char, 4096> block{};
    while (file && text.size() <= bytes_max) {
        file.read(block.data(), block.size());
        text.append(block.data(), static_cast<std::size_t>(file.gcount()));
    }
    if (file.bad() || text.size() > bytes_max) return std::nullopt;
    return text;
}

ConfigFile read_config_file(const std::string& path) {
    const auto text = read_text_file(path);
    if (!text) return {.entries = {}, .error = fmt::format("--config: cannot read {}", path)};
    return parse_config_text(*text, path);
}

ConfigFile parse_config_text(std::string_view text, const std::string& path) {
    ConfigFile result;
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
