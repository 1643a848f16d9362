#include "api/json_io.hpp"

#include <nlohmann/json.hpp>

#include "api/error_response.hpp"

namespace stoker {

namespace {

/// An fn with the largest allowed maps stays far below.
constexpr std::uint64_t json_bytes_max = 1024UL * 1024;

}  // namespace

Response json_response(const Json& json) {
    return json_text_response(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Response json_text_response(std::string text, int status) {
    return {status, {{"Content-Type", "application/json; charset=utf-8"}}, std::move(text)};
}

Task<Result<std::string>> receive_body(Exchange& exchange, std::uint64_t bytes_max) {
    auto body = co_await exchange.read_body(bytes_max);
    if (!body) co_return fail(error_of(body.error(), exchange.request(), bytes_max));
    co_return std::move(*body);
}

Task<Result<Json>> receive_json(Exchange& exchange) {
    const auto body = co_await receive_body(exchange, json_bytes_max);
    if (!body) co_return fail(body.error());
    co_return parse_json_object(*body);
}

}  // namespace stoker
