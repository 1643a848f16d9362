#include "worker/protocols/http_answer.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>

#include "common/http/append_body.hpp"

namespace stoker {

namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<AppendBody>;
using Broken = std::optional<ExchangeEnd>;

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

ExchangeEnd head_too_large() {
    return broken_off(Errc::function_failed, "function response header too large");
}

}  // namespace

/// Keeps unparsed bytes in `pending_`: Beast wants a header in one piece.
class HttpAnswerReader::Impl {
public:
    Impl(
        FunctionStream& stream, FunctionAnswer& answer, ExchangeLimits limits, HttpAnswerRules rules
    ) :
        stream_(stream),
        answer_(answer),
        limits_(limits),
        rules_(rules) {
        reset();
    }

    Task<std::expected<HttpAnswerEnd, ExchangeEnd>> run() {
        if (auto failed = co_await read_head()) co_return std::unexpected(std::move(*failed));
        if (auto failed = co_await pass_on_head()) co_return std::unexpected(std::move(*failed));
        if (auto failed = co_await read_body()) co_return std::unexpected(std::move(*failed));
        co_return HttpAnswerEnd{
            .status = static_cast<int>(parser_->get().result_int()),
            .keep_alive = parser_->keep_alive(),
            .excess = !pending_.empty()
        };
    }

private:
    void reset() {
        parser_.emplace();
        parser_->header_limit(static_cast<std::uint32_t>(limits_.head_bytes_max));
        parser_->body_limit(boost::none);
        parser_->eager(false);
        parser_->skip(rules_.without_body);
    }

    /// Parses what is pending; the bytes consumed.
    std::string_view parse(error_code& failed) {
        const auto used = parser_->put(asio::buffer(pending_), failed);
        if (failed == http::error::need_more) failed = {};
        return std::string_view(pending_).substr(0, used);
    }

    Task<Broken> read_more() {
        if (const auto read = co_await stream_.read_some(pending_); !read) {
            co_return broken_off(read.error());
        }
        co_return std::nullopt;
    }

    Task<Broken> read_head() {
        for (;;) {
            if (!pending_.empty()) {
                error_code failed;
                const auto raw = parse(failed);
                if (failed == http::error::header_limit) co_return head_too_large();
                if (failed) co_return rules_.malformed(failed.message());
                head_ += raw;
                pending_.erase(0, raw.size());
                if (parser_->is_header_done()) {
                    if (parser_->get().result_int() >= 200) co_return std::nullopt;
                    interim_bytes_ += head_.size();
                    head_.clear();
                    reset();  // 100 Continue and its like are not the answer
                    if (interim_bytes_ <= limits_.head_bytes_max) continue;
                }
                if (interim_bytes_ + head_.size() + pending_.size() > limits_.head_bytes_max) {
                    co_return head_too_large();
                }
            }
            if (auto failed = co_await read_more()) co_return failed;
        }
    }

    Task<Broken> pass_on_head() {
        if (rules_.needs_length && !parser_->is_done() && parser_->need_eof()) {
            co_return rules_.malformed("neither Content-Length nor chunked");
        }
        // While the refusal can still be told in place of the answer.
        if (parser_->content_length().value_or(0) > limits_.body_bytes_max) {
            co_return broken_off(Errc::response_too_large);
        }
        if (auto taken = co_await answer_.head(answer_head(*parser_), head_); !taken) {
            co_return ExchangeEnd{.result = fail(taken.error())};
        }
        parser_->eager(true);
        co_return std::nullopt;
    }

    Task<Broken> read_body() {
        std::uint64_t bytes = 0;
        for (;;) {
            std::string_view raw;
            if (!pending_.empty() && !parser_->is_done()) {
                error_code failed;
                raw = parse(failed);
                if (failed) co_return rules_.malformed(failed.message());
                // Chunk extensions and trailers, which the parser wants whole.
                if (raw.empty() && pending_.size() > limits_.head_bytes_max) {
                    co_return rules_.malformed("chunk framing without end");
                }
            }
            const bool done = parser_->is_done();
            auto& decoded = parser_->get().body();
            bytes += decoded.size();
            if (bytes > limits_.body_bytes_max) co_return broken_off(Errc::response_too_large);
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

    FunctionStream& stream_;
    FunctionAnswer& answer_;
    const ExchangeLimits limits_;
    const HttpAnswerRules rules_;
    std::optional<Parser> parser_;
    std::string pending_;
    std::string head_;
    std::size_t interim_bytes_ = 0;  ///< of answers before the answer, which are bounded, too
};

HttpAnswerReader::HttpAnswerReader(
    FunctionStream& stream, FunctionAnswer& answer, ExchangeLimits limits, HttpAnswerRules rules
) :
    impl_(std::make_unique<Impl>(stream, answer, limits, rules)) {}

HttpAnswerReader::~HttpAnswerReader() = default;

Task<std::expected<HttpAnswerEnd, ExchangeEnd>> HttpAnswerReader::run() {
    co_return co_await impl_->run();
}

}  // namespace stoker
