#include "common/http/answer_reader.hpp"

namespace stoker {

AnswerReader::AnswerReader(
    HttpConnection& connection, const HttpLimits& limits, bool has_body, std::string_view received
) :
    connection_(connection),
    parser_(limits, has_body) {
    parser_.feed(received);
}

Task<HttpResult<void>> AnswerReader::read_head(Deadline deadline) {
    while (!parser_.is_header_done()) {
        auto progress = co_await advance(deadline);
        if (!progress) co_return progress;
    }
    co_return HttpResult<void>();
}

Task<HttpResult<std::string>> AnswerReader::read(Deadline deadline) {
    while (parser_.body().empty() && !parser_.is_done()) {
        auto progress = co_await advance(deadline);
        if (!progress) co_return std::unexpected(progress.error());
    }
    co_return std::exchange(parser_.body(), {});
}

Task<HttpResult<std::string>> AnswerReader::read_all(std::size_t bytes_max, Deadline deadline) {
    while (!parser_.is_done() && parser_.body().size() <= bytes_max) {
        auto progress = co_await advance(deadline);
        if (!progress) co_return std::unexpected(progress.error());
    }
    if (parser_.body().size() > bytes_max) {
        co_return std::unexpected(HttpClientError{
            HttpClientError::Kind::too_large,
            "the answer is larger than " + std::to_string(bytes_max) + " bytes"
        });
    }
    co_return std::exchange(parser_.body(), {});
}

/// Parses what is there, or else reads once more.
Task<HttpResult<void>> AnswerReader::advance(Deadline deadline) {
    const auto parsed = parser_.advance();
    if (!parsed) co_return std::unexpected(parsed.error());
    if (*parsed) co_return HttpResult<void>();
    auto more = co_await connection_.read_some(deadline);
    if (!more) co_return std::unexpected(std::move(more.error()));
    if (more->empty()) co_return parser_.end();
    parser_.feed(*more);
    co_return HttpResult<void>();
}

}  // namespace stoker
