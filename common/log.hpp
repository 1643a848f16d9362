#pragma once

// Events, not prose: log::info("call.started", {{"call", id}, {"attempt", 2}}). One JSON object a
// line on stderr, or a readable line when stderr is a terminal. Thread-safe; a line is one write.
// Secrets are never passed here. Ids identify things, never user-given names.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace stoker::log {

enum class Level : std::uint8_t { debug, info, warn, error };
enum class Format : std::uint8_t { automatic, json, text };

class Field {
public:
    Field(std::string_view key, std::string_view value) : key_(key), value_(value) {}
    Field(std::string_view key, const std::string& value) : Field(key, std::string_view(value)) {}
    Field(std::string_view key, const char* value) : Field(key, std::string_view(value)) {}
    Field(std::string_view key, bool value) : key_(key), value_(value) {}
    Field(std::string_view key, double value) : key_(key), value_(value) {}
    template <std::integral N>
    Field(std::string_view key, N value) : key_(key), value_(static_cast<std::int64_t>(value)) {}

    std::string_view key() const { return key_; }
    const auto& value() const { return value_; }

private:
    std::string_view key_;
    std::variant<std::string_view, bool, double, std::int64_t> value_;
};

using Fields = std::initializer_list<Field>;

/// Call once, before threads start.
void configure(Level lowest, Format format);
bool enabled(Level level);

void write(Level level, std::string_view event, Fields fields);
inline void debug(std::string_view event, Fields fields = {}) {
    write(Level::debug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) { write(Level::info, event, fields); }
inline void warn(std::string_view event, Fields fields = {}) { write(Level::warn, event, fields); }
inline void error(std::string_view event, Fields fields = {}) {
    write(Level::error, event, fields);
}

/// The line that write() would print, without its newline.
std::string format_line(Level level, std::string_view event, Fields fields, bool json);

}  // namespace stoker::log
