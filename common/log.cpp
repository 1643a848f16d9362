#include "common/log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>

#include "common/clock.hpp"
#include "common/json_text.hpp"

namespace stoker::log {

namespace {

constexpr std::array<std::string_view, 4> level_words{"debug", "info", "warn", "error"};

std::atomic<Level> lowest_level{Level::info};
std::atomic<bool> as_json{true};

std::string_view word(Level level) { return level_words.at(static_cast<std::size_t>(level)); }

void append_value(std::string& out, const Field& field, bool json) {
    std::visit(
        [&](const auto& value) {
            using Value = std::decay_t<decltype(value)>;
            if constexpr (std::is_same_v<Value, std::string_view>) {
                // A readable line quotes only what would otherwise be ambiguous.
                const bool plain = !json && !value.empty() &&
                                   value.find_first_of(" \t\r\n\"=\\") == std::string_view::npos;
                if (plain) {
                    out += value;
                } else {
                    append_json_string(out, value);
                }
            } else {
                fmt::format_to(std::back_inserter(out), "{}", value);
            }
        },
        field.value()
    );
}

}  // namespace

void configure(Level lowest, Format format) {
    lowest_level = lowest;
    as_json = format == Format::json || (format == Format::automatic && isatty(STDERR_FILENO) == 0);
}

bool enabled(Level level) { return level >= lowest_level.load(std::memory_order_relaxed); }

std::string format_line(Level level, std::string_view event, Fields fields, bool json) {
    const auto now = format_time(wall_now());
    std::string line;
    if (json) {
        line = fmt::format(R"({{"time":"{}","level":"{}","event":)", now, word(level));
        append_json_string(line, event);
        for (const auto& field : fields) {
            line += ',';
            append_json_string(line, field.key());
            line += ':';
            append_value(line, field, true);
        }
        line += '}';
    } else {
        line = fmt::format("{} {:5} {}", now, word(level), event);
        for (const auto& field : fields) {
            line += ' ';
            line += field.key();
            line += '=';
            append_value(line, field, false);
        }
    }
    return line;
}

void write(Level level, std::string_view event, Fields fields) {
    if (!enabled(level)) return;
    auto line = format_line(level, event, fields, as_json.load(std::memory_order_relaxed));
    line += '\n';
    // A log that cannot be written must not stop the program; there is nowhere to report it either.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace stoker::log
