#include "worker/containers/docker/docker_engine.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

#include "worker/containers/docker/json_fields.hpp"

namespace stoker {

namespace {

/// 41 of "1.41".
int api_minor_of(const HttpAnswer& answer) {
    const auto* version = find_header(answer.headers, "Api-Version");
    int minor = 0;
    if (version != nullptr && version->starts_with("1.")) {
        std::from_chars(version->data() + 2, version->data() + version->size(), minor);
    }
    return minor;
}

}  // namespace

DockerEngine::DockerEngine(HttpAddress address) : client_(std::move(address)) {}

Task<Result<void>> DockerEngine::ping(Deadline deadline) {
    HttpRequest request;
    request.target = "/_ping";
    const auto answer = co_await client_.request(std::move(request), deadline);
    if (!answer) co_return unreachable(answer.error());
    if (answer->status != 200) {
        co_return fail(Errc::engine_unavailable, {}, "ping: " + engine_message(answer->body));
    }
    const int minor = api_minor_of(*answer);
    if (minor < api_minor_min) {
        co_return fail(
            Errc::engine_unavailable,
            "The container engine is too old: its API must be 1.41 or later (Docker 20.10)",
            "its API is 1." + std::to_string(minor)
        );
    }
    api_minor_.store(std::min(minor, api_minor_max), std::memory_order_relaxed);
    co_return Result<void>();
}

Task<Result<std::string>> DockerEngine::version_prefix(Deadline deadline) {
    if (api_minor_.load(std::memory_order_relaxed) == 0) {
        auto found = co_await ping(deadline);
        if (!found) co_return fail(std::move(found.error()));
    }
    co_return "/v1." + std::to_string(api_minor_.load(std::memory_order_relaxed));
}

bool DockerEngine::refuses_version(const HttpAnswer& answer) {
    if (answer.status != 400 || !answer.body.contains("client version")) return false;
    api_minor_.store(0, std::memory_order_relaxed);
    return true;
}

Task<Result<HttpAnswer>> DockerEngine::call(
    std::string method, std::string path, std::string json_body, Deadline deadline
) {
    const auto prefix = co_await version_prefix(deadline);
    if (!prefix) co_return fail(prefix.error());
    HttpRequest request;
    request.method = std::move(method);
    request.target = *prefix + path;
    if (!json_body.empty()) request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(json_body);
    auto answer = co_await client_.request(std::move(request), deadline);
    if (!answer) co_return unreachable(answer.error());
    if (refuses_version(*answer)) {
        co_return fail(Errc::engine_unavailable, {}, engine_message(answer->body));
    }
    co_return std::move(*answer);
}

Task<Result<HttpStream>> DockerEngine::open(HttpRequest request, Deadline deadline) {
    const auto prefix = co_await version_prefix(deadline);
    if (!prefix) co_return fail(prefix.error());
    request.target = *prefix + request.target;
    auto stream = co_await client_.open(std::move(request), deadline);
    if (!stream) co_return unreachable(stream.error());
    co_return std::move(*stream);
}

Task<Result<HttpUpgraded>> DockerEngine::hijack(std::string path, Deadline deadline) {
    const auto prefix = co_await version_prefix(deadline);
    if (!prefix) co_return fail(prefix.error());
    HttpRequest request;
    request.method = "POST";
    request.target = *prefix + path;
    auto upgraded = co_await client_.upgrade(std::move(request), "tcp", deadline);
    if (!upgraded) co_return unreachable(upgraded.error());
    co_return std::move(*upgraded);
}

std::string engine_message(std::string_view body) {
    auto message = text_at(nlohmann::json::parse(body, nullptr, false), "message");
    if (!message.empty()) return message;
    while (body.ends_with('\n')) body.remove_suffix(1);
    return std::string(body);
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || std::string_view("-._~").contains(c);
        if (plain) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += {'%', digits[byte >> 4], digits[byte & 15]};
        }
    }
    return out;
}

std::string container_path(std::string_view id, std::string_view rest) {
    return "/containers/" + percent_encode(id) + std::string(rest);
}

std::unexpected<Error> refused(std::string_view doing, const HttpAnswer& answer) {
    const auto code = answer.status == 503   ? Errc::engine_unavailable
                      : answer.status >= 500 ? Errc::engine_failed
                                             : Errc::internal;
    return fail(
        code,
        {},
        std::string(doing) + ": the engine answered " + std::to_string(answer.status) + ": " +
            engine_message(answer.body)
    );
}

std::unexpected<Error> unreachable(const HttpClientError& error) {
    return fail(Errc::engine_unavailable, {}, error.text);
}

}  // namespace stoker
