#pragma once

// The two formats that wrap a call and its answer in one JSON object each: Fn's `json` and
// `cloudevent` (CloudEvents 0.1). Encoding and decoding alone, no I/O.
//
// Request bodies are text here: bytes that are not UTF-8 reach a json function as U+FFFD, as Fn's
// agent sent them. Answers must be UTF-8.

#include <expected>
#include <string>
#include <string_view>

#include "model/invoker.hpp"
#include "worker/protocols/exchange.hpp"

namespace stoker {

struct Envelope {
    /// One object and a line break. An Error is the caller's fault.
    Result<std::string> (*encode)(
        const Invocation& invocation, std::string_view body, WallTime deadline
    ) = nullptr;
    /// What one object means, or why it is none.
    std::expected<WholeAnswer, std::string> (*decode)(
        const Invocation& invocation, std::string_view object
    ) = nullptr;
};

const Envelope& json_envelope();
const Envelope& cloudevent_envelope();

}  // namespace stoker
