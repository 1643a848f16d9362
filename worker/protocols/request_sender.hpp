#pragma once

// The sending half of an exchange: the bytes of a request go out while the answer is read, because
// a function may answer before it has read its input.

#include <functional>
#include <optional>
#include <string>

#include "worker/protocols/exchange.hpp"

namespace stoker {

enum class BodyFraming : std::uint8_t {
    as_is,
    http,  ///< as they are when the size is known, else chunked
};

/// A request's body as it goes on the wire, piece by piece.
class RequestBody {
public:
    RequestBody(BodySource& source, BodyFraming framing);

    /// How many bytes there are, when the reader is told by a Content-Length.
    std::optional<std::uint64_t> size() const { return size_; }
    bool is_done() const { return done_; }
    /// Appends the next piece.
    Task<Result<void>> append_next(std::string& out);

private:
    BodySource& source_;
    BodyFraming framing_;
    std::optional<std::uint64_t> size_;
    std::uint64_t sent_ = 0;
    bool done_ = false;
};

/// Sends `head` and the body while `reading` runs; the answer decides when the exchange ends.
/// `all_sent` is called, once, when the last byte is out.
struct Sending {
    FunctionStream& stream;
    std::string head;
    RequestBody& body;
    std::function<void()> all_sent;
};
struct SendEnd {
    ExchangeEnd end;
    bool cut_short = false;  ///< the stream is in the middle of a request
};
Task<SendEnd> send_and_read(Sending sending, Task<ExchangeEnd> reading);

}  // namespace stoker
