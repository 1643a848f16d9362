#include "common/json_text.hpp"
#include "worker/protocols/envelope.hpp"
#include "worker/protocols/envelope_json.hpp"
#include "worker/protocols/json_framer.hpp"

namespace stoker {

namespace {

using namespace envelope_json;

constexpr std::string_view event_type = "application/cloudevents+json";

/// The media type of a field's value, without its parameters.
std::string_view media_type(std::string_view value) {
    value = value.substr(0, value.find(';'));
    const auto end = value.find_last_not_of(" \t");
    return value.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

bool is_event(const Invocation& invocation) {
    return same_header_name(media_type(invocation.content_type), event_type);
}

/// The caller sent an event: it goes on with only what is ours in it replaced.
Result<std::string> pass_through(
    const Invocation& invocation, std::string_view body, WallTime deadline
) {
    auto event = parse_object(body);
    if (!event) return fail(Errc::invalid_json, {}, event.error());
    auto& extensions = (*event)["extensions"];
    if (!extensions.is_object()) extensions = Json::object();
    extensions["protocol"] = Json::parse(protocol_of(invocation));
    extensions["deadline"] = format_time(deadline);
    extensions["attempt"] = invocation.attempt;
    return dump(*event) + "\n";
}

/// Valid JSON without the white space between its tokens: line breaks end the request.
void append_compact(std::string& out, std::string_view json) {
    JsonScanner scanner;
    for (const char c : json) {
        const bool between = !scanner.in_string() && is_json_space(c);
        scanner.take(c);
        if (!between) out += c;
    }
}

Result<std::string> encode(const Invocation& invocation, std::string_view body, WallTime deadline) {
    if (!is_json_within_depth(body)) return fail(Errc::invalid_json, {}, "too deep");
    if (is_event(invocation)) return pass_through(invocation, body, deadline);
    if (!body.empty() && !Json::accept(body)) return fail(Errc::invalid_json);
    std::string out;
    out.reserve(body.size() + 1024);
    out += R"({"cloudEventsVersion":"0.1","eventID":)";
    append_json_string(out, invocation.call_id);
    out += R"(,"source":)";
    append_json_string(out, invocation.url);
    out += R"(,"eventType":"http","eventTypeVersion":"","eventTime":"0001-01-01T00:00:00.000Z")";
    out += R"(,"schemaURL":"","contentType":)";
    append_json_string(out, invocation.content_type);
    out += R"(,"extensions":{"protocol":)";
    out += protocol_of(invocation);
    out += R"(,"deadline":)";
    append_json_string(out, format_time(deadline));
    out += R"(,"attempt":)";
    out += std::to_string(invocation.attempt);
    out += '}';
    if (!body.empty()) {
        out += R"(,"data":)";
        append_compact(out, body);
    }
    out += "}\n";
    return out;
}

std::expected<WholeAnswer, std::string> decode(
    const Invocation& invocation, std::string_view object
) {
    const auto event = parse_object(object);
    if (!event) return Wrong(event.error());
    WholeAnswer answer;
    if (const auto extensions = event->find("extensions"); extensions != event->end()) {
        if (extensions->is_object()) {
            if (auto taken = take_protocol(*extensions, answer); !taken) {
                return Wrong(taken.error());
            }
        } else if (!extensions->is_null()) {
            return Wrong("extensions is not an object");
        }
    }
    if (is_event(invocation)) {
        if (auto set = set_content_type(answer, std::string(event_type)); !set) {
            return Wrong(set.error());
        }
        answer.body = object;
        return answer;
    }
    const auto type = text_of(*event, "contentType");
    if (!type) return Wrong(type.error());
    const auto data = event->find("data");
    const bool has_data = data != event->end() && !data->is_null();
    if (*type == "application/json") {
        if (has_data) answer.body = dump(*data);
    } else if (*type == "text/plain") {
        if (has_data && !data->is_string()) return Wrong("data is not a string");
        if (has_data) answer.body = data->get<std::string>();
    } else {
        return Wrong("contentType is neither application/json nor text/plain");
    }
    if (auto set = set_content_type(answer, *type); !set) return Wrong(set.error());
    return answer;
}

}  // namespace

const Envelope& cloudevent_envelope() {
    static constexpr Envelope envelope{encode, decode};
    return envelope;
}

}  // namespace stoker
