#pragma once

// The answer side of HTTP/1.1 framing for the client, without I/O: bytes go in as they come, the
// head and pieces of the body come out. One per answer.

#include <memory>
#include <string>
#include <string_view>

#include "common/http/client.hpp"

namespace stoker {

class AnswerParser {
public:
    AnswerParser(const HttpLimits& limits, bool has_body);
    AnswerParser(const AnswerParser&) = delete;
    AnswerParser& operator=(const AnswerParser&) = delete;
    ~AnswerParser();

    void feed(std::string_view bytes) { received_ += bytes; }
    /// Parses what is there; false when it takes more bytes to go on.
    HttpResult<bool> advance();
    /// The server closed: that ends some bodies and cuts all else.
    HttpResult<void> end();

    bool is_header_done() const;
    bool is_done() const;
    bool keep_alive() const;
    HttpHead& head();
    /// Decoded and not yet taken.
    std::string& body();
    bool has_unparsed() const { return !received_.empty(); }
    /// What came after the answer.
    std::string take_unparsed() { return std::move(received_); }

private:
    class Collector;
    std::unique_ptr<Collector> collector_;
    std::string received_;
};

}  // namespace stoker
