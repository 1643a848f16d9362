#pragma once

// The request side of HTTP/1.1 framing without I/O: bytes go in, a Request and pieces of its body
// come out. Stricter than the RFC where leniency lets two parsers disagree about where a request
// ends: no folded fields, no bare line feeds, no repeated Content-Length, no Transfer-Encoding but
// exactly `chunked`. One per connection, used again for each request; no thread of its own.

#include <memory>
#include <string_view>

#include "common/http/server_exchange.hpp"
#include "common/http/server_limits.hpp"

namespace stoker {

class RequestParser {
public:
    explicit RequestParser(const ServerLimits& limits);
    RequestParser(const RequestParser&) = delete;
    RequestParser& operator=(const RequestParser&) = delete;
    ~RequestParser();

    /// `input` is everything that came since the last request. The bytes the header took, or 0 when
    /// it is not complete: call again with more appended.
    Received<std::size_t> header(std::string_view input);

    struct Piece {
        std::size_t taken = 0;
        std::string_view bytes;  ///< within the input
    };
    /// Takes body bytes from the front of the input; nothing taken means it needs more.
    Received<Piece> body(std::string_view input);

    /// The request has been read to its end.
    bool ended() const;
    bool keeps_alive() const;
    bool expects_continue() const;
    Request& request();
    const Request& request() const;
    /// Ready for the next request.
    void reset();

private:
    class Impl;
    Received<std::size_t> find_header_end(std::string_view input);
    Received<void> check_framing();
    Received<void> split_target();
    Received<void> split_special_target();

    const ServerLimits& limits_;
    std::size_t scanned_ = 0;     ///< of the header: complete lines up to here
    std::size_t first_line_ = 0;  ///< where the request line starts
    int lines_ = 0;
    std::unique_ptr<Impl> impl_;
};

}  // namespace stoker
