#include "cli/client/api_client.hpp"

#include <fmt/format.h>

#include <utility>

namespace stoker {

namespace {

using Json = nlohmann::ordered_json;

std::string where(const HttpAddress& address) {
    if (!address.unix_path.empty()) return address.unix_path;
    return fmt::format("{}:{}", address.host, address.port);
}

/// The text field of an object, or empty.
std::string text_of(const Json& object, const char* key) {
    if (!object.is_object()) return {};
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace

ApiClient::ApiClient(HttpAddress address) : http_(address), where_(where(address)) {}

Task<Answer<Json>> ApiClient::get(std::string target, Deadline deadline) const {
    auto answer = co_await http_.request(request_for("GET", std::move(target)), deadline);
    if (!answer) co_return std::unexpected(unreachable(answer.error()));
    if (answer->status != 200) co_return std::unexpected(refusal(answer->status, answer->body));
    auto json = Json::parse(answer->body, nullptr, false);
    if (!json.is_object()) {
        co_return std::unexpected(ClientError{where_ + " does not answer like a Stoker server", 200}
        );
    }
    co_return json;
}

Task<Answer<std::string>> ApiClient::get_text(std::string target, Deadline deadline) const {
    auto request = request_for("GET", std::move(target));
    request.headers.emplace_back("Accept", "text/plain");
    auto answer = co_await http_.request(std::move(request), deadline);
    if (!answer) co_return std::unexpected(unreachable(answer.error()));
    if (answer->status != 200) co_return std::unexpected(refusal(answer->status, answer->body));
    co_return std::move(answer->body);
}

Task<Answer<HttpStream>> ApiClient::open(HttpRequest request, Deadline deadline) const {
    auto stream = co_await http_.open(std::move(request), deadline);
    if (!stream) co_return std::unexpected(unreachable(stream.error()));
    co_return std::move(*stream);
}

Task<Answer<std::string>> ApiClient::find_fn(std::string app, std::string fn) const {
    auto app_id = co_await find_id("/v2/apps?name=" + percent_encoded(app), "app \"" + app + '"');
    if (!app_id) co_return app_id;
    auto target = "/v2/fns?app_id=" + *app_id + "&name=" + percent_encoded(fn);
    co_return co_await find_id(
        std::move(target), fmt::format("function \"{}\" in app \"{}\"", fn, app)
    );
}

Task<Answer<std::string>> ApiClient::find_id(std::string target, std::string what) const {
    auto list = co_await get(std::move(target), soon());
    if (!list) co_return std::unexpected(std::move(list.error()));
    const auto items = list->find("items");
    if (items == list->end() || !items->is_array() || items->empty()) {
        co_return std::unexpected(ClientError{"there is no " + what, 404});
    }
    co_return text_of(items->front(), "id");
}

ClientError ApiClient::unreachable(const HttpClientError& error) const {
    const bool refused = error.kind == HttpClientError::Kind::connect;
    return {
        fmt::format(
            "{}: {}{}",
            where_,
            error.text,
            refused ? " (is the server running? --url names it)" : ""
        ),
        0
    };
}

ClientError refusal(int status, std::string_view body) {
    const auto json = Json::parse(body, nullptr, false);
    const auto message = text_of(json, "message");
    if (message.empty()) return {fmt::format("the server answered {}", status), status};
    return {fmt::format("{} ({})", message, status), status};
}

HttpRequest request_for(std::string method, std::string target) {
    HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    return request;
}

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || std::string_view("-_.~").contains(c);
        if (plain) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        }
    }
    return out;
}

}  // namespace stoker
