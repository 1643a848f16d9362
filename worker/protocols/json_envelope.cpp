#include "common/json_text.hpp"
#include "worker/protocols/envelope.hpp"
#include "worker/protocols/envelope_json.hpp"

namespace stoker {

namespace {

using namespace envelope_json;

Result<std::string> encode(const Invocation& invocation, std::string_view body, WallTime deadline) {
    std::string out;
    out.reserve(body.size() + 1024);
    out += R"({"call_id":)";
    append_json_string(out, invocation.call_id);
    out += R"(,"deadline":)";
    append_json_string(out, format_time(deadline));
    out += R"(,"attempt":)";
    out += std::to_string(invocation.attempt);
    out += R"(,"body":)";
    append_json_string(out, body);
    out += R"(,"content_type":)";
    append_json_string(out, invocation.content_type);
    out += R"(,"protocol":)";
    out += protocol_of(invocation);
    out += "}\n";
    return out;
}

std::expected<WholeAnswer, std::string> decode(const Invocation&, std::string_view object) {
    const auto json = parse_object(object);
    if (!json) return Wrong(json.error());
    WholeAnswer answer;
    if (auto taken = take_protocol(*json, answer); !taken) return Wrong(taken.error());
    const auto type = text_of(*json, "content_type");
    if (!type) return Wrong(type.error());
    if (!type->empty()) {
        if (auto set = set_content_type(answer, *type); !set) return Wrong(set.error());
    }
    auto body = text_of(*json, "body");
    if (!body) return Wrong(body.error());
    answer.body = std::move(*body);
    return answer;
}

}  // namespace

const Envelope& json_envelope() {
    static constexpr Envelope envelope{encode, decode};
    return envelope;
}

}  // namespace stoker
