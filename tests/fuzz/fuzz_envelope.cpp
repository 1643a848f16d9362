// Any bytes as what a json or cloudevent function writes: framed and decoded without surprise, and
// what comes out can be sent on. The first byte says into which pieces the rest is cut.

#include <cstdlib>

#include "worker/protocols/envelope.hpp"
#include "worker/protocols/json_framer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace stoker;
    if (size == 0) return 0;
    const std::size_t piece = data[0] % 7 + 1;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    JsonFramer framer(4096);
    auto state = JsonFramer::State::more;
    for (std::size_t at = 0; at < bytes.size() && state == JsonFramer::State::more; at += piece) {
        state = framer.take(bytes.substr(at, piece));
    }
    Invocation invocation;
    if (data[0] >= 128) invocation.content_type = "application/cloudevents+json";
    for (const auto* envelope : {&json_envelope(), &cloudevent_envelope()}) {
        // Any bytes may be a request's body, too.
        if (const auto request = envelope->encode(invocation, bytes, WallTime{})) {
            if (request->find('\n') + 1 != request->size()) std::abort();
        }
        if (state != JsonFramer::State::complete) continue;
        const auto answer = envelope->decode(invocation, framer.object());
        if (!answer) continue;
        if (answer->status < 200 || answer->status > 999) std::abort();
        for (const auto& [name, value] : answer->headers) {
            if (!is_valid_header(name, value)) std::abort();
        }
    }
    return 0;
}
