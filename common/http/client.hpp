#pragma once

// A small HTTP/1.1 client: one connection a request (HttpClient), or one kept for many
// (HttpSession). For the container engine's API, the command line and tests; not for the calls'
// bodies on their hot path. Failures of the transport are values; an answer of any status is an
// answer. Every wait ends at the deadline given.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/http/connection.hpp"
#include "common/http/headers.hpp"

namespace stoker {

/// Gives the next piece of a request body that is not in memory; empty at its end.
struct HttpBodySource {
    std::uint64_t bytes = 0;  ///< of all pieces together: sent as Content-Length
    std::function<Task<HttpResult<std::string>>(Deadline)> next;
};

struct HttpRequest {
    std::string method = "GET";
    std::string target = "/";
    Headers headers;  ///< without Host, Content-Length and Connection, which are added
    std::string body;
    std::optional<HttpBodySource> body_source;  ///< in place of `body`
};

struct HttpHead {
    int status = 0;
    Headers headers;
};

struct HttpAnswer {
    int status = 0;
    Headers headers;
    std::string body;
};

struct HttpLimits {
    std::uint32_t header_bytes_max = 64 * 1024;
    std::size_t body_bytes_max = std::size_t{64} * 1024 * 1024;  ///< of bodies read whole
};

/// An answer whose body is read in pieces. Belongs to the lane that opened it.
class HttpStream {
public:
    class Impl;
    explicit HttpStream(std::unique_ptr<Impl> impl);
    HttpStream(HttpStream&&) noexcept;
    HttpStream& operator=(HttpStream&&) noexcept;
    ~HttpStream();

    const HttpHead& head() const;
    /// Empty at the end of the body. Ends by its deadline with nothing lost: read again.
    Task<HttpResult<std::string>> read(Deadline deadline);
    /// What is left of the body, at most HttpLimits::body_bytes_max.
    Task<HttpResult<std::string>> read_all(Deadline deadline);

private:
    std::unique_ptr<Impl> impl_;
};

/// What became of a request for another protocol: with 101 the connection is the caller's.
struct HttpUpgraded {
    HttpAnswer answer;
    std::optional<HttpConnection> connection;
};

/// Immutable, so any number of tasks on any lanes may share one; it must outlive them.
class HttpClient {
public:
    explicit HttpClient(HttpAddress address, HttpLimits limits = {});

    Task<HttpResult<HttpAnswer>> request(HttpRequest request, Deadline deadline) const;
    /// Returns once the head of the answer is there.
    Task<HttpResult<HttpStream>> open(HttpRequest request, Deadline deadline) const;
    /// Asks for `protocol` (Docker's is "tcp").
    Task<HttpResult<HttpUpgraded>> upgrade(
        HttpRequest request, std::string protocol, Deadline deadline
    ) const;

    const HttpAddress& address() const { return address_; }

private:
    const HttpAddress address_;
    const HttpLimits limits_;
};

/// Requests one after another over one connection, made anew when the server has closed it. Belongs
/// to one lane. A request that fails is not repeated: it may have been carried out.
class HttpSession {
public:
    explicit HttpSession(HttpAddress address, HttpLimits limits = {});

    Task<HttpResult<HttpAnswer>> request(HttpRequest request, Deadline deadline);

private:
    const HttpAddress address_;
    const HttpLimits limits_;
    std::optional<HttpConnection> connection_;
};

}  // namespace stoker
