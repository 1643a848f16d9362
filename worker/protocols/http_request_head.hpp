#pragma once

// Writes the head of an HTTP/1.1 request to a function. A plain value.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/async/task.hpp"
#include "common/clock.hpp"

namespace stoker {

class HttpRequestHead {
public:
    HttpRequestHead(std::string_view method, std::string_view target, std::string_view host) {
        text_.reserve(512);
        text_.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
        add("Host", host);
    }
    void add(std::string_view name, std::string_view value) {
        text_.append(name).append(": ").append(value).append("\r\n");
    }
    /// Adds how the body is framed, and the closing empty line.
    std::string finish(std::optional<std::uint64_t> body_size) && {
        if (body_size) {
            add("Content-Length", std::to_string(*body_size));
        } else {
            add("Transfer-Encoding", "chunked");
        }
        text_ += "\r\n";
        return std::move(text_);
    }

private:
    std::string text_;
};

/// The end of a call's time as the function is told it.
inline WallTime wall_time_of(Deadline deadline) {
    const auto left = deadline - std::chrono::steady_clock::now();
    return wall_now() + std::chrono::duration_cast<Millis>(left);
}

}  // namespace stoker
