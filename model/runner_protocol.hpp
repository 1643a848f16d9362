#pragma once

// How an api hands a synchronous call to a worker, over HTTP/1.1 with kept connections. What both
// ends must agree about is here; docs/scaling.md shows an exchange.
//
//   POST /runner/calls        Expect: 100-continue, the call in `Stoker-Call`, the caller's fields
//                             as `Stoker-H-<name>`; the body is held back
//   102 Processing            taken; every second until a container is there
//   100 Continue              a container waits for the body
//   200, Stoker-Outcome: …    `answer`: the function's, its status in `Stoker-Status`, its fields
//   as
//                             `Stoker-H-<name>`, its body streamed; `error`: how the call failed;
//                             `refused`: nothing has begun here, another worker may have it
//
// The commit rule: a function gets nothing before the first byte of the body (or its end) was sent,
// and that is sent after 100 only. Before, whatever happens, the call can go to another worker;
// from then on the function may have run, and it is never given to another one.

#include <optional>
#include <string>
#include <string_view>

#include "common/async/task.hpp"
#include "common/http/headers.hpp"
#include "model/error.hpp"
#include "model/invoker.hpp"

namespace stoker::runner {

inline constexpr int version = 1;
inline constexpr std::string_view path = "/runner/calls";
/// Of the head of a request or an answer: the caller's or function's own head and the fn's config
/// are in it.
inline constexpr std::size_t head_bytes_max = std::size_t{20} << 20U;
inline constexpr std::size_t head_fields_max = 1024;

/// How a worker shows that it is still there while a call waits for a container. An api that hears
/// nothing for `silence_max` takes it for dead.
inline constexpr std::chrono::seconds sign_interval{1};
inline constexpr std::chrono::seconds silence_max{4};

struct Call {
    Invocation invocation;
    Millis slot_wait{};  ///< for the call to get a container
    std::optional<std::uint64_t> body_bytes;
};

enum class Outcome : std::uint8_t { answer, error, refused };

/// The fields of a request. Framing is the sender's.
Headers request_fields(
    const Invocation& invocation, Millis slot_wait, std::optional<std::uint64_t> body_bytes
);
/// invalid_request when it is none of this version.
Result<Call> read_request(const Headers& fields);

/// The fields of an answer of the function; its length is the sender's to tell.
Headers answer_fields(const AnswerHead& head);
Headers outcome_fields(Outcome outcome);
/// Empty when it does not come from a worker that speaks this version.
std::optional<Outcome> outcome_of(const Headers& fields);
/// The function's head; the length is that of the body.
std::optional<AnswerHead> read_answer(const Headers& fields);

/// The body of an error or a refusal.
std::string error_text(const Error& error);
Error read_error(std::string_view text);

}  // namespace stoker::runner
