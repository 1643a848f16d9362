// Any bytes, in pieces of any size: the request parser never reads past them, never takes more than
// it was given, and gives the same verdict however they are cut.

#include <algorithm>
#include <cstdlib>
#include <string>

#include "common/http/server_parser.hpp"

namespace {

using namespace stoker;

/// Parses one request from bytes that arrive `step` at a time; what came of it, as text.
std::string outcome(std::string_view bytes, std::size_t step) {
    const ServerLimits limits{.header_bytes_max = 4096, .uri_bytes_max = 1024};
    RequestParser parser(limits);
    std::size_t arrived = 0;
    std::size_t head = 0;
    while (head == 0) {
        const auto taken = parser.header(bytes.substr(0, arrived));
        if (!taken) return "fault " + std::to_string(static_cast<int>(taken.error()));
        if (*taken > arrived) std::abort();
        head = *taken;
        if (head == 0 && arrived == bytes.size()) return "incomplete head";
        if (head == 0) arrived = std::min(bytes.size(), arrived + step);
    }
    std::string body;
    std::size_t at = head;
    while (!parser.ended()) {
        const auto piece = parser.body(bytes.substr(at, arrived - at));
        if (!piece) return "fault " + std::to_string(static_cast<int>(piece.error()));
        if (piece->taken > arrived - at || piece->bytes.size() > piece->taken) std::abort();
        body += piece->bytes;
        at += piece->taken;
        if (piece->taken == 0 && arrived == bytes.size()) return "incomplete body " + body;
        if (piece->taken == 0) arrived = std::min(bytes.size(), arrived + step);
    }
    return parser.request().method + ' ' + parser.request().target + ' ' + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (outcome(bytes, 1) != outcome(bytes, bytes.size() + 1)) std::abort();
    return 0;
}
