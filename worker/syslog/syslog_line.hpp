#pragma once

// A line of a function's output as a syslog message (RFC 5424, facility user: stdout is info,
// stderr is an error), and the cutting of output into lines. No I/O.

#include <functional>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "model/call.hpp"

namespace stoker {

/// Who says it: the same for all lines of a container.
struct SyslogSource {
    std::string host;  ///< the worker's machine
    std::string app_id;
    std::string fn_id;
    std::string container;  ///< our name of it
};

std::string syslog_message(
    const SyslogSource& source, LogStream stream, WallTime at, std::string_view line
);
/// A message in a byte stream: its length goes before it (RFC 6587, 3.4.1).
std::string octet_counted(std::string_view message);

/// Cuts one stream of output into lines. What has no line end yet is kept, up to a limit.
class LineCutter {
public:
    static constexpr std::size_t line_bytes_max = 16 * 1024;
    using OnLine = std::function<void(std::string_view)>;

    /// Gives each line without its end; empty ones are skipped, longer ones come in pieces.
    void feed(std::string_view bytes, const OnLine& on_line);
    /// The rest, though no line end came.
    void end(const OnLine& on_line);

private:
    std::string partial_;
};

}  // namespace stoker
