#pragma once

// One request and its answer, as a handler sees them. Made by the server for each request; used on
// the connection's lane only. A body may be read by one Task while another writes the answer.
//
//  1. The answer is given once: respond(), or begin() and then write() until `last`.
//  2. The body is optional to read. `100 Continue` is sent by the first read, never before.
//  3. After a failed read or write the connection ends with this exchange.

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/async/task.hpp"
#include "common/http/headers.hpp"

namespace stoker {

/// Why a request, or the rest of it, did not arrive; or why it got no answer.
enum class HttpFault : std::uint8_t {
    malformed,
    bad_version,
    uri_too_long,
    headers_too_large,
    bad_expectation,
    body_too_large,
    timed_out,
    closed,  ///< by the client; nobody is left to read an answer
    too_many_connections,
    handler_failed,  ///< it threw, or returned without an answer
};

template <class T>
using Received = std::expected<T, HttpFault>;

struct Request {
    std::string method;
    std::string target;  ///< as it came
    Headers headers;
    std::string host;  ///< of the Host field, or of an absolute target
    std::optional<std::uint64_t> content_length;
    bool chunked = false;
    bool http_1_0 = false;
    bool from_loopback = false;
    std::size_t path_at = 0;  ///< where in the target the path stands
    std::size_t path_bytes = 0;

    /// Still percent-encoded, every escape well-formed. Starts with '/', but for CONNECT and `*`.
    std::string_view path() const { return std::string_view(target).substr(path_at, path_bytes); }
    /// What follows the first '?'.
    std::string_view query() const {
        const auto at = path_at + path_bytes;
        return at < target.size() ? std::string_view(target).substr(at + 1) : std::string_view{};
    }
    bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

struct Response {
    int status = 200;
    Headers headers;  ///< without Content-Length, Connection, Date and Transfer-Encoding
    std::string body;
};

class Exchange {
public:
    virtual ~Exchange() = default;

    virtual const Request& request() const = 0;

    /// The whole body. `body_too_large` is known before the first byte if the client said the
    /// length.
    virtual Task<Received<std::string>> read_body(std::uint64_t bytes_max) = 0;
    /// The next bytes, valid until the next read; empty at the end. `bytes_max` is for the whole
    /// body.
    virtual Task<Received<std::string_view>> read_some(std::uint64_t bytes_max) = 0;
    /// The whole body has been read (or there is none).
    virtual bool body_ended() const = 0;

    /// Says 102 Processing: the answer will take its time. Before the answer and while nobody reads
    /// the body; to a client that is known to understand it. False when the connection is broken.
    virtual bool say_processing() = 0;
    virtual Task<> respond(Response response) = 0;

    /// The head of an answer that is written in pieces. It leaves with the first write(), which may
    /// be empty. Without a length the body is chunked (1.1) or ends with the connection (1.0).
    virtual void begin(int status, const Headers& headers, std::optional<std::uint64_t> length) = 0;
    /// The bytes are borrowed until this returns.
    virtual Task<Received<void>> write(std::string_view bytes, bool last) = 0;
    /// An answer was given or begun.
    virtual bool answered() const = 0;
    /// The status given, 0 before.
    virtual int status() const = 0;
    /// Cuts the connection, so that a begun answer is seen to be incomplete.
    virtual void cut() = 0;

    /// Looks whether the client closed its side; for handlers that wait long.
    virtual bool client_gone() = 0;
    /// Has it looked at now and then: `told` is called once, on the lane, when the client is seen
    /// to be gone. Empty: not any more.
    virtual void when_client_gone(std::function<void()> told) = 0;
};

class HttpHandler {
public:
    virtual ~HttpHandler() = default;
    /// On the connection's lane. What it throws is logged and answered with handler_failed.
    virtual Task<> handle(Exchange& exchange) = 0;
    /// The answer to a request that never reached handle(), or left it without one. Any lane.
    virtual Response refusal(HttpFault fault) const = 0;
};

}  // namespace stoker
