#include "worker/protocols/http_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/beast/http/parser.hpp>
#include <fmt/format.h>

#include <array>

#include "common/http/append_body.hpp"
#include "worker/protocols/socket_stream.hpp"

namespace stoker {

namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<AppendBody>;
using Failure = SocketStream::Failure;

constexpr std::size_t head_bytes_usual = 512;

ExchangeEnd broken(Errc code, std::string message = {}, std::string detail = {}) {
    return {.result = fail(code, std::move(message), std::move(detail))};
}

ExchangeEnd connection_failed(Failure failure) {
    if (failure == Failure::timed_out) return broken(Errc::function_timeout);
    auto end = broken(Errc::container_exit);
    end.lost = true;
    return end;
}

/// The body's bytes as they go on the wire: as they are when its size is known, else chunked.
class RequestBody {
public:
    explicit RequestBody(BodySource& source) : source_(source), size_(source.size()) {}

    std::optional<std::uint64_t> size() const { return size_; }
    bool is_done() const { return done_; }

    /// Appends the next piece.
    Task<Result<void>> append_next(std::string& out) {
        const auto piece = co_await source_.read();
        if (!piece) co_return fail(piece.error());
        sent_ += piece->size();
        if (size_) {
            out += *piece;
            done_ = piece->empty() || sent_ >= *size_;
        } else if (!piece->empty()) {
            fmt::format_to(std::back_inserter(out), "{:x}\r\n", piece->size());
            out += *piece;
            out += "\r\n";
        } else {
            out += "0\r\n\r\n";
            done_ = true;
        }
        co_return Result<void>{};
    }

private:
    BodySource& source_;
    std::optional<std::uint64_t> size_;
    std::uint64_t sent_ = 0;
    bool done_ = false;
};

/// Sends what is left of the request.
Task<std::optional<ExchangeEnd>> send_rest(
    SocketStream& stream, std::string_view rest, RequestBody& body
) {
    if (const auto sent = co_await stream.write(rest); !sent) {
        co_return connection_failed(sent.error());
    }
    std::string bytes;
    while (!body.is_done()) {
        bytes.clear();
        if (auto next = co_await body.append_next(bytes); !next) {
            co_return ExchangeEnd{.result = fail(next.error())};
        }
        if (const auto sent = co_await stream.write(bytes); !sent) {
            co_return connection_failed(sent.error());
        }
    }
    co_return std::nullopt;
}

AnswerHead answer_head(const Parser& parser) {
    AnswerHead head;
    head.status = static_cast<int>(parser.get().result_int());
    for (const auto& field : parser.get()) {
        const std::string_view name = field.name_string();
        if (is_hop_by_hop(name) || same_header_name(name, "content-length")) continue;
        head.headers.emplace_back(name, field.value());
    }
    if (const auto length = parser.content_length()) head.length = *length;
    return head;
}

Result<void> meaning_of(int status) {
    switch (status) {
        case 200: return {};
        case 502: return fail(Errc::function_failed);
        case 504: return fail(Errc::function_timeout);
        default:
            return fail(
                Errc::function_failed, "invalid function response", fmt::format("{}", status)
            );
    }
}

/// Reads one answer. Keeps unparsed bytes in `pending_`: Beast wants a header in one piece.
class Reader {
public:
    Reader(SocketStream& stream, FunctionAnswer& answer, ExchangeLimits limits) :
        stream_(stream),
        answer_(answer),
        limits_(limits) {
        reset();
    }

    Task<ExchangeEnd> run() {
        if (auto failed = co_await read_head()) co_return std::move(*failed);
        const int status = static_cast<int>(parser_->get().result_int());
        if (auto failed = co_await read_body()) co_return std::move(*failed);

        ExchangeEnd end{.result = meaning_of(status)};
        end.container_ok = status == 200 || status == 502 || status == 504;
        end.connection_ok = end.container_ok && parser_->keep_alive();
        if (!pending_.empty()) {
            // More than one answer: nothing this container says next can be trusted.
            end.container_ok = end.connection_ok = false;
        }
        co_return end;
    }

private:
    void reset() {
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(limits_.head_bytes_max));
        parser_->body_limit(boost::none);
        parser_->eager(false);
    }

    /// Parses what is pending; the bytes consumed.
    std::string_view parse(error_code& failed) {
        const auto used = parser_->put(asio::buffer(pending_), failed);
        if (failed == http::error::need_more) failed = {};
        return std::string_view(pending_).substr(0, used);
    }

    Task<std::optional<ExchangeEnd>> read_more() {
        if (const auto read = co_await stream_.read_some(pending_); !read) {
            co_return connection_failed(read.error());
        }
        co_return std::nullopt;
    }

    Task<std::optional<ExchangeEnd>> read_head() {
        for (;;) {
            if (!pending_.empty()) {
                error_code failed;
                const auto raw = parse(failed);
                if (failed == http::error::header_limit) {
                    co_return broken(Errc::function_failed, "function response header too large");
                }
                if (failed) co_return broken(Errc::container_exit, {}, failed.message());
                head_ += raw;
                pending_.erase(0, raw.size());
                if (parser_->is_header_done()) {
                    const auto status = parser_->get().result_int();
                    if (status >= 200) break;
                    interim_bytes_ += head_.size();
                    head_.clear();
                    reset();  // 100 Continue and its like are not the answer
                    if (interim_bytes_ <= limits_.head_bytes_max) continue;
                }
                if (interim_bytes_ + head_.size() + pending_.size() > limits_.head_bytes_max) {
                    co_return broken(Errc::function_failed, "function response header too large");
                }
            }
            if (auto failed = co_await read_more()) co_return failed;
        }
        if (auto taken = co_await answer_.head(answer_head(*parser_), head_); !taken) {
            co_return ExchangeEnd{.result = fail(taken.error())};
        }
        parser_->eager(true);
        co_return std::nullopt;
    }

    Task<std::optional<ExchangeEnd>> read_body() {
        for (;;) {
            std::string_view raw;
            if (!pending_.empty() && !parser_->is_done()) {
                error_code failed;
                raw = parse(failed);
                if (failed) co_return broken(Errc::container_exit, {}, failed.message());
                // Chunk extensions and trailers, which the parser wants whole.
                if (raw.empty() && pending_.size() > limits_.head_bytes_max) {
                    co_return broken(Errc::container_exit, {}, "chunk framing without end");
                }
            }
            const bool done = parser_->is_done();
            auto& decoded = parser_->get().body();
            if (done || !raw.empty()) {
                auto taken = co_await answer_.data(raw, decoded, done);
                if (!taken) co_return ExchangeEnd{.result = fail(taken.error())};
            }
            decoded.clear();
            pending_.erase(0, raw.size());
            if (done) co_return std::nullopt;
            if (auto failed = co_await read_more()) {
                if (!failed->lost || !parser_->need_eof()) co_return failed;
                error_code ended;  // a body without a length ends with the connection
                parser_->put_eof(ended);
                if (ended) co_return failed;
            }
        }
    }

    SocketStream& stream_;
    FunctionAnswer& answer_;
    ExchangeLimits limits_;
    std::optional<Parser> parser_;
    std::string pending_;
    std::string head_;
    std::size_t interim_bytes_ = 0;  ///< of answers before the answer, which are bounded, too
};

}  // namespace

std::string http_stream_head(
    const Invocation& invocation, std::optional<std::uint64_t> body_size, WallTime deadline
) {
    std::string head;
    head.reserve(head_bytes_usual);
    head += "POST /call HTTP/1.1\r\nHost: localhost\r\n";
    const auto add = [&](std::string_view name, std::string_view value) {
        head += name;
        head += ": ";
        head += value;
        head += "\r\n";
    };
    add("Fn-Call-Id", invocation.call_id);
    add("Fn-Deadline", format_time(deadline));
    add("Fn-Attempt", std::to_string(invocation.attempt));
    if (!invocation.content_type.empty()) add("Content-Type", invocation.content_type);
    for (const auto& [name, value] : invocation.headers) add(name, value);
    if (body_size) {
        add("Content-Length", std::to_string(*body_size));
    } else {
        add("Transfer-Encoding", "chunked");
    }
    head += "\r\n";
    return head;
}

namespace {

/// Sends on while the answer is read: a function may answer before it has read its input.
Task<ExchangeEnd> send_and_read(
    SocketStream& stream, std::string_view rest, RequestBody& body, Reader& reader
) {
    using namespace asio::experimental::awaitable_operators;
    bool all_sent = false;
    const auto send_then_hold = [&]() -> Task<ExchangeEnd> {
        if (auto failed = co_await send_rest(stream, rest, body)) co_return std::move(*failed);
        all_sent = true;
        // The answer decides when the exchange ends; being done with sending does not.
        Timer never(co_await asio::this_coro::executor, Deadline::max());
        co_await never.async_wait(use_task);
        co_return ExchangeEnd{};
    };
    auto first = co_await (send_then_hold() || reader.run());
    if (first.index() == 0) co_return std::get<0>(std::move(first));
    auto end = std::get<1>(std::move(first));
    // A request cut short leaves the connection in the middle of a message.
    if (!all_sent) end.connection_ok = false;
    co_return end;
}

}  // namespace

Task<ExchangeEnd> exchange_http_stream(
    int connection,
    const Invocation& invocation,
    BodySource& source,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline deadline
) {
    const auto left =
        std::chrono::duration_cast<Millis>(deadline - std::chrono::steady_clock::now());
    SocketStream stream(co_await asio::this_coro::executor, connection, deadline);
    RequestBody body(source);
    auto bytes = http_stream_head(invocation, body.size(), wall_now() + left);
    if (auto next = co_await body.append_next(bytes); !next) {
        co_return ExchangeEnd{.result = fail(next.error()), .container_ok = true};
    }
    const auto sent = stream.try_write(bytes);
    if (!sent) co_return connection_failed(sent.error());
    Reader reader(stream, answer, limits);
    if (*sent == bytes.size() && body.is_done()) co_return co_await reader.run();
    co_return co_await send_and_read(stream, std::string_view(bytes).substr(*sent), body, reader);
}

}  // namespace stoker
