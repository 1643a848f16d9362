#include "common/http/answer_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace stoker {

namespace http = boost::beast::http;
using Kind = HttpClientError::Kind;

class AnswerParser::Collector final : public http::basic_parser<false> {
public:
    HttpHead head;
    std::string body;

private:
    using error_code = boost::beast::error_code;
    using Text = boost::beast::string_view;
    using Size = boost::optional<std::uint64_t>;

    void on_request_impl(http::verb, Text, Text, int, error_code&) override {}
    void on_response_impl(int code, Text, int, error_code&) override { head.status = code; }
    void on_field_impl(http::field, Text name, Text value, error_code&) override {
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
};

AnswerParser::AnswerParser(const HttpLimits& limits, bool has_body) :
    collector_(std::make_unique<Collector>()) {
    collector_->eager(true);
    collector_->header_limit(limits.header_bytes_max);
    collector_->body_limit(boost::none);
    collector_->skip(!has_body);
}

AnswerParser::~AnswerParser() = default;

HttpResult<bool> AnswerParser::advance() {
    if (received_.empty()) return false;
    boost::beast::error_code problem;
    const auto used = collector_->put(boost::asio::buffer(received_), problem);
    received_.erase(0, used);
    if (problem && problem != http::error::need_more) {
        const bool large = problem == http::error::header_limit;
        return std::unexpected(
            HttpClientError{large ? Kind::too_large : Kind::protocol, problem.message()}
        );
    }
    return used > 0;
}

HttpResult<void> AnswerParser::end() {
    boost::beast::error_code problem;
    if (collector_->got_some()) collector_->put_eof(problem);
    if (!problem && is_done()) return {};
    return std::unexpected(
        HttpClientError{Kind::protocol, "the connection closed before the answer was complete"}
    );
}

bool AnswerParser::is_header_done() const { return collector_->is_header_done(); }
bool AnswerParser::is_done() const { return collector_->is_done(); }
bool AnswerParser::keep_alive() const { return collector_->keep_alive(); }
HttpHead& AnswerParser::head() { return collector_->head; }
std::string& AnswerParser::body() { return collector_->body; }

}  // namespace stoker
