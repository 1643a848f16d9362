// Any bytes as an answer to our HTTP client, in pieces of any size: the same outcome however they
// are cut. Whether a bad answer is found malformed or too short may differ.

#include <algorithm>
#include <cstdlib>

#include "common/http/answer_parser.hpp"

namespace {

using namespace stoker;

/// What becomes of bytes that arrive `step` at a time, as text.
std::string outcome(std::string_view bytes, std::size_t step) {
    AnswerParser parser({.header_bytes_max = 4096}, true);
    while (!parser.is_done()) {
        const auto parsed = parser.advance();
        if (!parsed) return "failed";
        if (*parsed) continue;
        if (bytes.empty()) return parser.end() ? "ended " + parser.body() : "failed";
        parser.feed(bytes.substr(0, step));
        bytes.remove_prefix(std::min(step, bytes.size()));
    }
    std::string text = std::to_string(parser.head().status) + ' ' + parser.body();
    for (const auto& [name, value] : parser.head().headers) text.append(name).append(value);
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (outcome(bytes, 1) != outcome(bytes, bytes.size() + 1)) std::abort();
    return 0;
}
