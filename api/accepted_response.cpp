#include "api/accepted_response.hpp"

#include "api/json_io.hpp"

namespace stoker {

Response accepted_response(const std::string& call_id, const std::string& own_id) {
    auto response = json_text_response(R"({"call_id":")" + call_id + "\"}", 202);
    response.headers.emplace_back("Location", "/v2/calls/" + call_id);
    response.headers.emplace_back("Fn-Call-Id", call_id);
    if (call_id != own_id) response.headers.emplace_back("Idempotent-Replayed", "true");
    return response;
}

}  // namespace stoker
