#pragma once

// What the json and the cloudevent envelope share: the `protocol` object and the members of an
// answer.

#include <nlohmann/json.hpp>

#include <expected>
#include <string>
#include <string_view>

#include "worker/protocols/exchange.hpp"

namespace stoker::envelope_json {

using Json = nlohmann::json;
using Wrong = std::unexpected<std::string>;

/// JSON text; bytes that are not UTF-8 become U+FFFD.
std::string dump(const Json& json);

/// The `protocol` member of a request. Header names are canonical, each has all its values.
std::string protocol_of(const Invocation& invocation);

/// An object, or why the text is none.
std::expected<Json, std::string> parse_object(std::string_view text);
/// A text member: empty when absent or null.
std::expected<std::string, std::string> text_of(const Json& object, const char* name);
/// Takes status_code and headers of a `protocol` member, which may be absent, into the answer.
std::expected<void, std::string> take_protocol(const Json& parent, WholeAnswer& answer);
/// Replaces the Content-Type.
std::expected<void, std::string> set_content_type(WholeAnswer& answer, const std::string& type);

}  // namespace stoker::envelope_json
