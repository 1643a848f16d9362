#pragma once

// What all of Fn's formats have in common: who takes a function's answer, its limits, and how an
// exchange with a function ends.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/async/task.hpp"
#include "common/http/headers.hpp"
#include "model/error.hpp"
#include "model/invoker.hpp"
#include "worker/protocols/function_stream.hpp"

namespace stoker {

/// Takes a function's answer as it arrives, whatever its status.
class FunctionAnswer {
public:
    virtual ~FunctionAnswer() = default;
    /// `raw` is the status line and header lines with the closing empty line. Called once.
    virtual Task<Result<void>> head(AnswerHead head, std::string_view raw) = 0;
    /// `raw` as it came, chunk framing included; `decoded` is the body in it. Either may be empty.
    virtual Task<Result<void>> data(std::string_view raw, std::string_view decoded, bool last) = 0;
    /// False: nobody waits for it any more, so that the call need not begin.
    virtual bool is_wanted() { return true; }
    /// As AnswerSink::when_gone().
    virtual void when_gone(std::function<void()> told) { (void)told; }
};

struct ExchangeLimits {
    std::size_t head_bytes_max = 64 * 1024;
    /// Of a body that is passed on as it arrives (http-stream, http).
    std::uint64_t body_bytes_max = std::uint64_t{1} << 30U;
    /// Of a body that can only be passed on once all of it is there (json, cloudevent, default).
    std::uint64_t whole_body_bytes_max = std::uint64_t{10} << 20U;
};

/// How an exchange ended, and what it means for the container.
struct ExchangeEnd {
    Result<void> result;         ///< of the function
    bool container_ok = false;   ///< it may take another call
    bool connection_ok = false;  ///< so may this connection; of http-stream
    bool lost = false;           ///< the function went away: its container's exit tells why
};

/// An exchange after which the stream is in nobody knows what state.
ExchangeEnd broken_off(Errc code, std::string message = {}, std::string detail = {});
ExchangeEnd broken_off(FunctionStream::Failure failure);

/// The answer of a format that has no head of its own: as the HTTP response that it means.
struct WholeAnswer {
    int status = 200;
    Headers headers;  ///< valid, without framing and hop-by-hop fields
    std::string body;
};

/// Hands it on, or fails where it exceeds a limit.
Task<Result<void>> give_whole(FunctionAnswer& answer, WholeAnswer whole, ExchangeLimits limits);

}  // namespace stoker
