#pragma once

// Reads one HTTP/1.1 answer from a connection that it borrows: the head, then the body in pieces.
// Ends by its deadline with nothing lost, so that it can be asked again. An interim answer (1xx) is
// an answer without a body; what came after it belongs to the next reader.

#include "common/http/answer_parser.hpp"
#include "common/http/connection.hpp"

namespace stoker {

class AnswerReader {
public:
    /// `received` are bytes that have come already.
    AnswerReader(
        HttpConnection& connection,
        const HttpLimits& limits,
        bool has_body = true,
        std::string_view received = {}
    );

    Task<HttpResult<void>> read_head(Deadline deadline);
    HttpHead& head() { return parser_.head(); }
    /// The next bytes of the body; empty at its end.
    Task<HttpResult<std::string>> read(Deadline deadline);
    /// What is left of the body; too_large when that is more.
    Task<HttpResult<std::string>> read_all(std::size_t bytes_max, Deadline deadline);

    bool is_done() const { return parser_.is_done(); }
    /// The connection may carry another request.
    bool reusable() const {
        return parser_.is_done() && parser_.keep_alive() && !parser_.has_unparsed();
    }
    /// What came after the answer.
    std::string take_unparsed() { return parser_.take_unparsed(); }

private:
    Task<HttpResult<void>> advance(Deadline deadline);

    HttpConnection& connection_;
    AnswerParser parser_;
};

}  // namespace stoker
