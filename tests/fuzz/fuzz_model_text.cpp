// Any text as an id, a word or a stored list: read, and what was read can be written back.

#include <cstdlib>

#include "model/call.hpp"
#include "model/fn.hpp"
#include "model/id.hpp"
#include "model/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace stoker;
    const auto check = [](bool sound) {
        if (!sound) std::abort();
    };
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto bits = decode_id(text)) check(decode_id(encode_id(*bits)) == bits);
    check(is_id(text) == decode_id(text).has_value());
    (void)time_of_id(text);
    if (const auto status = parse_call_status(text)) check(to_word(*status) == text);
    if (const auto type = parse_invoke_type(text)) check(to_word(*type) == text);
    (void)parse_call_phase(text);
    const auto headers = headers_from_text(text);
    check(headers_from_text(dump(headers)) == headers);
    const auto config = config_from_text(text);
    check(config_from_text(dump(config)) == config);
    const auto annotations = annotations_from_text(text);
    check(annotations_from_text(dump_annotations(annotations)) == annotations);
    return 0;
}
