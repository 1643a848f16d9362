#include "worker/protocols/envelope_json.hpp"

#include "common/http/header_name.hpp"
#include "common/http/headers.hpp"
#include "common/json_text.hpp"

namespace stoker::envelope_json {

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string protocol_of(const Invocation& invocation) {
    Json headers = Json::object();
    const auto add = [&](std::string_view name, std::string_view value) {
        headers[canonical_header_name(name)].push_back(value);
    };
    if (!invocation.content_type.empty()) add("Content-Type", invocation.content_type);
    for (const auto& [name, value] : invocation.headers) add(name, value);

    std::string out = R"({"type":"http","method":)";
    append_json_string(out, invocation.method);
    out += R"(,"request_url":)";
    append_json_string(out, invocation.url);
    out += R"(,"headers":)";
    return out + dump(headers) + "}";
}

std::expected<Json, std::string> parse_object(std::string_view text) {
    auto json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) return Wrong("not valid JSON");
    if (!json.is_object()) return Wrong("not an object");
    return json;
}

std::expected<std::string, std::string> text_of(const Json& object, const char* name) {
    const auto member = object.find(name);
    if (member == object.end() || member->is_null()) return std::string{};
    if (!member->is_string()) return Wrong(std::string(name) + " is not a string");
    return member->get<std::string>();
}

std::expected<void, std::string> set_content_type(WholeAnswer& answer, const std::string& type) {
    if (!is_valid_header("Content-Type", type)) return Wrong("content type is not valid");
    std::erase_if(answer.headers, [](const Header& header) {
        return same_header_name(header.first, "Content-Type");
    });
    answer.headers.emplace_back("Content-Type", type);
    return {};
}

namespace {

std::expected<void, std::string> take_headers(const Json& headers, WholeAnswer& answer) {
    if (headers.is_null()) return {};
    if (!headers.is_object()) return Wrong("protocol.headers is not an object");
    for (const auto& [name, values] : headers.items()) {
        if (values.is_null()) continue;
        if (!values.is_array()) return Wrong("a header is not a list of strings");
        for (const auto& value : values) {
            if (!value.is_string()) return Wrong("a header is not a list of strings");
            const auto& text = value.get_ref<const std::string&>();
            if (!is_valid_header(name, text)) return Wrong("a header is not valid");
            if (is_hop_by_hop(name) || same_header_name(name, "content-length")) continue;
            answer.headers.emplace_back(name, text);
        }
    }
    return {};
}

}  // namespace

std::expected<void, std::string> take_protocol(const Json& parent, WholeAnswer& answer) {
    const auto protocol = parent.find("protocol");
    if (protocol == parent.end() || protocol->is_null()) return {};
    if (!protocol->is_object()) return Wrong("protocol is not an object");
    const auto status = protocol->find("status_code");
    if (status != protocol->end() && !status->is_null() && *status != 0) {
        const bool possible = status->is_number() && *status >= 200 && *status <= 999;
        if (!possible) return Wrong("protocol.status_code is not a status");
        answer.status = status->get<int>();
    }
    const auto headers = protocol->find("headers");
    if (headers == protocol->end()) return {};
    return take_headers(*headers, answer);
}

}  // namespace stoker::envelope_json
