#include "worker/syslog/syslog_line.hpp"

#include <fmt/format.h>

namespace stoker {

namespace {

constexpr int facility_user = 1;
constexpr int severity_error = 3;
constexpr int severity_info = 6;

std::string_view or_nil(std::string_view field) { return field.empty() ? "-" : field; }

}  // namespace

std::string syslog_message(
    const SyslogSource& source, LogStream stream, WallTime at, std::string_view line
) {
    const auto severity = stream == LogStream::err ? severity_error : severity_info;
    return fmt::format(
        "<{}>1 {} {} app_id={},fn_id={} {} - - {}",
        facility_user * 8 + severity,
        format_time(at),
        or_nil(source.host),
        source.app_id,
        source.fn_id,
        or_nil(source.container),
        line
    );
}

std::string octet_counted(std::string_view message) {
    return fmt::format("{} {}", message.size(), message);
}

void LineCutter::feed(std::string_view bytes, const OnLine& on_line) {
    while (!bytes.empty()) {
        const auto room = line_bytes_max - partial_.size();
        const auto end = bytes.substr(0, room).find('\n');
        const bool is_complete = end != std::string_view::npos;
        const auto piece = bytes.substr(0, is_complete ? end : std::min(room, bytes.size()));
        bytes.remove_prefix(piece.size() + (is_complete ? 1 : 0));
        partial_ += piece;
        if (is_complete || partial_.size() == line_bytes_max) this->end(on_line);
    }
}

void LineCutter::end(const OnLine& on_line) {
    if (partial_.ends_with('\r')) partial_.pop_back();
    if (!partial_.empty()) on_line(partial_);
    partial_.clear();
}

}  // namespace stoker
