#include "api/system.hpp"

#include <nlohmann/json.hpp>

#include "api/json_io.hpp"

namespace stoker {

namespace {

Task<Result<Reply>> give(Response response) { co_return response; }

}  // namespace

void SystemApi::add_routes(Router& router) {
    const auto add = [&](std::string_view path, std::function<Response()> answer) {
        router.add("GET", path, [answer = std::move(answer)](Exchange&, const PathParams&) {
            return give(answer());
        });
    };
    add("/", [] {
        return json_text_response(R"({"goto":"https://github.com/fnproject/fn","hello":"world!"})");
    });
    Json version;
    version["version"] = version_;
    add("/version", [text = version.dump()] { return json_text_response(text); });
    add("/healthz", [] { return json_text_response(R"({"healthy":true})"); });
    add("/readyz", [this] { return ready(); });
    add("/metrics", [this] {
        return Response{
            200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, metrics_.render()
        };
    });
}

Response SystemApi::ready() const {
    Json reasons = Json::array();
    for (const auto& check : checks_) {
        if (auto reason = check(); !reason.empty()) reasons.push_back(std::move(reason));
    }
    Json answer;
    answer["ready"] = reasons.empty();
    answer["reasons"] = reasons;
    auto response = json_response(answer);
    if (!reasons.empty()) {
        response.status = 503;
        response.headers.emplace_back("Retry-After", "1");
    }
    return response;
}

}  // namespace stoker
