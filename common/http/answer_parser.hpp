#pragma once

// The answer side of HTTP/1.1 framing for the client, without I/O: bytes go in as they come, the
// head and pieces of the body come out. One per answer. For .cpp files.

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <string>

#include "common/http/client.hpp"

namespace stoker {

class AnswerParser final : public boost::beast::http::basic_parser<false> {
public:
    AnswerParser(const HttpLimits& limits, bool has_body) {
        eager(true);
        header_limit(limits.header_bytes_max);
        body_limit(boost::none);
        skip(!has_body);
    }

    HttpHead head;
    std::string body;  ///< decoded and not yet taken

    void feed(std::string_view bytes) { received_ += bytes; }
    /// Parses what is there; false when it takes more bytes to go on.
    HttpResult<bool> advance() {
        if (received_.empty()) return false;
        error_code problem;
        const auto used = put(boost::asio::buffer(received_), problem);
        received_.erase(0, used);
        if (problem && problem != boost::beast::http::error::need_more) {
            const bool large = problem == boost::beast::http::error::header_limit;
            const auto kind =
                large ? HttpClientError::Kind::too_large : HttpClientError::Kind::protocol;
            return std::unexpected(HttpClientError{kind, problem.message()});
        }
        return used > 0;
    }
    /// The server closed: that ends some bodies and cuts all else.
    HttpResult<void> end() {
        error_code problem;
        if (got_some()) put_eof(problem);
        if (!problem && is_done()) return {};
        return std::unexpected(HttpClientError{
            HttpClientError::Kind::protocol, "the connection closed before the answer was complete"
        });
    }
    bool has_unparsed() const { return !received_.empty(); }
    /// What came after the answer.
    std::string take_unparsed() { return std::move(received_); }

private:
    using error_code = boost::beast::error_code;
    using Text = boost::beast::string_view;
    using Size = boost::optional<std::uint64_t>;

    void on_request_impl(boost::beast::http::verb, Text, Text, int, error_code&) override {}
    void on_response_impl(int code, Text, int, error_code&) override { head.status = code; }
    void on_field_impl(boost::beast::http::field, Text name, Text value, error_code&) override {
        head.headers.emplace_back(name, value);
    }
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const Size&, error_code&) override {}
    std::size_t on_body_impl(Text data, error_code&) override {
        body.append(data);
        return data.size();
    }
    void on_chunk_header_impl(std::uint64_t, Text, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, Text data, error_code&) override {
        body.append(data);
        return data.size();
    }
    void on_finish_impl(error_code&) override {}

    std::string received_;
};

}  // namespace stoker
