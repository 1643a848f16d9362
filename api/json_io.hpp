#pragma once

// JSON in and out of the handlers.

#include "common/http/server_exchange.hpp"
#include "model/json.hpp"

namespace stoker {

/// 200 with the object, as Fn prints it: no newline at the end.
Response json_response(const Json& json);
/// The same for text that is JSON already.
Response json_text_response(std::string text, int status = 200);

/// The whole body, or the Error to answer.
Task<Result<std::string>> receive_body(Exchange& exchange, std::uint64_t bytes_max);
/// The object in the body.
Task<Result<Json>> receive_json(Exchange& exchange);

}  // namespace stoker
