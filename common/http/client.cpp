#include "common/http/client.hpp"

#include <algorithm>
#include <cassert>

#include "common/http/answer_reader.hpp"

namespace stoker {

namespace {

using Kind = HttpClientError::Kind;

std::unexpected<HttpClientError> failed(Kind kind, std::string text) {
    return std::unexpected(HttpClientError{kind, std::move(text)});
}

bool is_printable(std::string_view text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

/// The request line and fields; empty when the request cannot be written without changing its
/// meaning.
std::optional<std::string> head_of(
    const HttpRequest& request, const HttpAddress& address, std::string_view connection
) {
    if (!is_printable(request.method) || !is_printable(request.target)) return {};
    std::string out = request.method + " " + request.target + " HTTP/1.1\r\nHost: ";
    if (!address.unix_path.empty()) {
        out += "localhost";
    } else {
        const bool v6 = address.host.contains(':');
        out += (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
    }
    for (const auto& [name, value] : request.headers) {
        if (!is_valid_header(name, value)) return {};
        out.append("\r\n").append(name).append(": ").append(value);
    }
    const auto bytes = request.body_source ? request.body_source->bytes : request.body.size();
    if (bytes > 0 || (request.method != "GET" && request.method != "HEAD")) {
        out += "\r\nContent-Length: " + std::to_string(bytes);
    }
    out += "\r\nConnection: " + std::string(connection) + "\r\n\r\n";
    return out;
}

Task<HttpResult<void>> write_request(
    HttpConnection& connection, const HttpRequest& request, std::string head, Deadline deadline
) {
    // One write for a small request: one segment, one wake-up of the server.
    constexpr std::size_t joined_bytes_max = std::size_t{64} * 1024;
    const bool joined = !request.body_source && request.body.size() <= joined_bytes_max;
    if (joined) head += request.body;
    auto written = co_await connection.write(head, deadline);
    if (!written || joined) co_return written;
    if (!request.body_source) co_return co_await connection.write(request.body, deadline);
    for (std::uint64_t left = request.body_source->bytes; left > 0;) {
        auto piece = co_await request.body_source->next(deadline);
        if (piece && (piece->empty() || piece->size() > left)) {
            piece = failed(Kind::protocol, "the request body is not as long as announced");
        }
        if (!piece) {
            connection.close();  // the server waits for the rest in vain
            co_return std::unexpected(std::move(piece.error()));
        }
        left -= piece->size();
        written = co_await connection.write(*piece, deadline);
        if (!written) co_return written;
    }
    co_return HttpResult<void>();
}

}  // namespace

/// One answer being read. Sole user of its connection until the answer is complete.
class HttpStream::Impl {
public:
    Impl(HttpConnection connection, HttpLimits limits, bool has_body) :
        limits_(limits),
        connection_(std::move(connection)),
        reader_(connection_, limits, has_body) {}

    Task<HttpResult<void>> read_head(Deadline deadline) { return reader_.read_head(deadline); }
    Task<HttpResult<std::string>> read(Deadline deadline) { return reader_.read(deadline); }
    Task<HttpResult<std::string>> read_all(Deadline deadline) {
        return reader_.read_all(limits_.body_bytes_max, deadline);
    }

    HttpHead& head() { return reader_.head(); }
    bool reusable() const { return reader_.reusable(); }

    /// The connection, with the bytes that came after the answer.
    HttpConnection take_connection() {
        connection_.unread(reader_.take_unparsed());
        return std::move(connection_);
    }

private:
    const HttpLimits limits_;
    HttpConnection connection_;
    AnswerReader reader_;
};

namespace {

using Impl = std::unique_ptr<HttpStream::Impl>;

/// Where a request goes and how; a view of the client's or session's fields.
struct Route {
    const HttpAddress& address;
    HttpLimits limits;
    std::string_view connection_header;
};

/// Sends the request, over the connection given or a new one, and reads the head of its answer.
Task<HttpResult<Impl>> exchange(
    Route route,
    const HttpRequest& request,
    std::optional<HttpConnection> connection,
    Deadline deadline
) {
    auto head = head_of(request, route.address, route.connection_header);
    if (!head) co_return failed(Kind::protocol, "the request cannot be written as HTTP");
    if (!connection) {
        auto made = co_await HttpConnection::connect(route.address, deadline);
        if (!made) co_return std::unexpected(std::move(made.error()));
        connection = std::move(*made);
    }
    const auto written = co_await write_request(*connection, request, std::move(*head), deadline);
    if (!written && written.error().kind == Kind::timeout) {
        co_return std::unexpected(written.error());
    }
    auto answer = std::make_unique<HttpStream::Impl>(
        std::move(*connection), route.limits, request.method != "HEAD"
    );
    const auto read = co_await answer->read_head(deadline);
    // A server may refuse a body before it was all sent; then its answer says more than our EPIPE.
    if (!read) co_return std::unexpected(written ? read.error() : written.error());
    co_return answer;
}

Task<HttpResult<HttpAnswer>> whole(HttpStream::Impl& answer, Deadline deadline) {
    auto body = co_await answer.read_all(deadline);
    if (!body) co_return std::unexpected(std::move(body.error()));
    co_return HttpAnswer{answer.head().status, std::move(answer.head().headers), std::move(*body)};
}

}  // namespace

HttpStream::HttpStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) { assert(impl_); }
HttpStream::HttpStream(HttpStream&&) noexcept = default;
HttpStream& HttpStream::operator=(HttpStream&&) noexcept = default;
HttpStream::~HttpStream() = default;
const HttpHead& HttpStream::head() const { return impl_->head(); }
Task<HttpResult<std::string>> HttpStream::read(Deadline deadline) {
    co_return co_await impl_->read(deadline);
}
Task<HttpResult<std::string>> HttpStream::read_all(Deadline deadline) {
    co_return co_await impl_->read_all(deadline);
}

HttpClient::HttpClient(HttpAddress address, HttpLimits limits) :
    address_(std::move(address)),
    limits_(limits) {}

Task<HttpResult<HttpAnswer>> HttpClient::request(HttpRequest request, Deadline deadline) const {
    auto answer = co_await exchange({address_, limits_, "close"}, request, {}, deadline);
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    co_return co_await whole(**answer, deadline);
}

Task<HttpResult<HttpStream>> HttpClient::open(HttpRequest request, Deadline deadline) const {
    auto answer = co_await exchange({address_, limits_, "close"}, request, {}, deadline);
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    co_return HttpStream(std::move(*answer));
}

Task<HttpResult<HttpUpgraded>> HttpClient::upgrade(
    HttpRequest request, std::string protocol, Deadline deadline
) const {
    request.headers.emplace_back("Upgrade", std::move(protocol));
    auto answer = co_await exchange({address_, limits_, "Upgrade"}, request, {}, deadline);
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    HttpUpgraded upgraded;
    if ((*answer)->head().status == 101) {
        upgraded.answer = {101, std::move((*answer)->head().headers), {}};
        upgraded.connection = (*answer)->take_connection();
        co_return upgraded;
    }
    auto refusal = co_await whole(**answer, deadline);
    if (!refusal) co_return std::unexpected(std::move(refusal.error()));
    upgraded.answer = std::move(*refusal);
    co_return upgraded;
}

HttpSession::HttpSession(HttpAddress address, HttpLimits limits) :
    address_(std::move(address)),
    limits_(limits) {}

Task<HttpResult<HttpAnswer>> HttpSession::request(HttpRequest request, Deadline deadline) {
    auto connection = std::exchange(connection_, {});
    if (connection && !connection->quiet()) connection.reset();
    auto answer = co_await exchange(
        {address_, limits_, "keep-alive"}, request, std::move(connection), deadline
    );
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    auto all = co_await whole(**answer, deadline);
    if (all && (*answer)->reusable()) connection_ = (*answer)->take_connection();
    co_return all;
}

}  // namespace stoker
