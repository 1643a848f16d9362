#pragma once

// Fn's http-stream format: one HTTP/1.1 request at a time over the unix socket the function listens
// on. Sends a call and receives its answer, both streamed, by the end of the call's time.

#include <memory>
#include <string>
#include <string_view>

#include "common/async/task.hpp"
#include "common/http/headers.hpp"
#include "common/unique_fd.hpp"
#include "model/error.hpp"
#include "model/invoker.hpp"

namespace stoker {

/// Takes a function's answer as it arrives, whatever its status.
class FunctionAnswer {
public:
    virtual ~FunctionAnswer() = default;
    /// `raw` is the status line and header lines with the closing empty line. Called once.
    virtual Task<Result<void>> head(AnswerHead head, std::string_view raw) = 0;
    /// `raw` as it came, chunk framing included; `decoded` is the body in it. Either may be empty.
    virtual Task<Result<void>> data(std::string_view raw, std::string_view decoded, bool last) = 0;
};

struct ExchangeLimits {
    std::size_t head_bytes_max = 64UL * 1024;
};

/// How an exchange ended, and what it means for the container.
struct ExchangeEnd {
    Result<void> result;         ///< of the function: 200 is good, the rest an Error
    bool container_ok = false;   ///< it may take another call
    bool connection_ok = false;  ///< so may this connection
    bool lost = false;           ///< the function closed or broke the connection
};

/// Runs on the current lane; borrows the connection. `deadline` is the end of the function's time.
Task<ExchangeEnd> exchange_http_stream(
    int connection,
    const Invocation& invocation,
    BodySource& source,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline deadline
);

/// The request line and header lines for a function, with the closing empty line.
std::string http_stream_head(
    const Invocation& invocation, std::optional<std::uint64_t> body_size, WallTime deadline
);

}  // namespace stoker
