#pragma once

// The head of an answer as text, and the answers of the server itself. No I/O.

#include <optional>
#include <string>

#include "common/http/server_exchange.hpp"

namespace stoker {

struct AnswerFraming {
    std::optional<std::uint64_t> length;
    bool chunked = false;
    bool close = false;
    bool http_1_0 = false;
    std::string_view date{};  ///< empty for none
};

/// The status line and all fields with the closing empty line. Fields that could change the framing
/// (hop-by-hop, Content-Length, Date, malformed ones) are left out of `headers`.
void append_answer_head(
    std::string& out, int status, const Headers& headers, const AnswerFraming& framing
);

/// No body may follow, and no length is told: 1xx, 204 and 304.
bool is_bodiless(int status);
std::string_view reason_of(int status);

struct HttpFaultSpec {
    int status;
    std::string_view message;
};
const HttpFaultSpec& spec_of(HttpFault fault);

/// `text/plain` with the fault's message.
Response plain_refusal(HttpFault fault);

}  // namespace stoker
