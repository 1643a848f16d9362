#pragma once

// One connected byte stream, over a unix socket or TCP, whose every wait ends at a deadline. Made
// by HttpClient; belongs to the lane that connected it. One reader and one writer at a time: a read
// that times out disturbs neither the writer nor what arrives later.

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/async/task.hpp"

namespace stoker {

struct HttpClientError {
    enum class Kind : std::uint8_t { connect, timeout, protocol, too_large };
    Kind kind = Kind::protocol;
    std::string text;
};

template <class T>
using HttpResult = std::expected<T, HttpClientError>;

struct HttpAddress {
    std::string unix_path;  ///< when not empty, the rest is unused
    std::string host;
    std::uint16_t port = 80;

    bool operator==(const HttpAddress&) const = default;
};

/// `unix:///path`, `tcp://host:port` or `http://host[:port]`, IPv6 in brackets. Errors say what is
/// wrong with the text.
std::expected<HttpAddress, std::string> parse_http_address(std::string_view text);

class HttpConnection {
public:
    /// Names other than localhost go through the system's resolver, which may outlast the deadline.
    static Task<HttpResult<HttpConnection>> connect(HttpAddress address, Deadline deadline);

    /// The bytes at hand, or those that come next; empty at the end of the stream.
    Task<HttpResult<std::string>> read_some(Deadline deadline);
    /// Writes all of it, or fails and leaves the stream unusable.
    Task<HttpResult<void>> write(std::string_view data, Deadline deadline);

    /// The peer reads an end of stream; reading goes on.
    void shutdown_write();
    /// Ends the operations under way.
    void close();
    /// Gives bytes back: the next read_some() returns them.
    void unread(std::string data) { unread_ = std::move(data); }
    /// False when the peer closed the connection or sent something nobody asked for.
    bool quiet();

private:
    using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
    explicit HttpConnection(Socket socket) : socket_(std::move(socket)) {}

    static Task<HttpResult<HttpConnection>> connect_unix(std::string path, Deadline deadline);
    static Task<HttpResult<HttpConnection>> connect_tcp(HttpAddress address, Deadline deadline);

    Socket socket_;
    std::string unread_;
};

}  // namespace stoker
