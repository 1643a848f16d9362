#pragma once

// Reads one HTTP/1.1 answer of a function and passes it on as it arrives. Knows nothing of what a
// status means to a format.

#include <expected>
#include <memory>

#include "worker/protocols/exchange.hpp"

namespace stoker {

struct HttpAnswerRules {
    bool without_body = false;  ///< the request was a HEAD
    bool needs_length = false;  ///< nothing but the answer itself tells its end
    /// What bytes that are no HTTP mean.
    ExchangeEnd (*malformed)(std::string why) = nullptr;
};

/// A complete answer.
struct HttpAnswerEnd {
    int status = 0;
    bool keep_alive = false;
    bool excess = false;  ///< more bytes came: nothing the function says next can be trusted
};

class HttpAnswerReader {
public:
    HttpAnswerReader(
        FunctionStream& stream, FunctionAnswer& answer, ExchangeLimits limits, HttpAnswerRules rules
    );
    ~HttpAnswerReader();
    HttpAnswerReader(const HttpAnswerReader&) = delete;
    HttpAnswerReader& operator=(const HttpAnswerReader&) = delete;

    Task<std::expected<HttpAnswerEnd, ExchangeEnd>> run();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace stoker
