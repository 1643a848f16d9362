#include "worker/protocols/http_stdio.hpp"

#include "worker/protocols/http_answer.hpp"
#include "worker/protocols/http_request_head.hpp"
#include "worker/protocols/request_sender.hpp"

namespace stoker {

namespace {

ExchangeEnd malformed(std::string why) {
    return broken_off(Errc::function_failed, "invalid http response from function err: " + why);
}

Task<ExchangeEnd> read_answer(
    FunctionStream& stream, FunctionAnswer& answer, ExchangeLimits limits, bool without_body
) {
    HttpAnswerReader reader(
        stream,
        answer,
        limits,
        {.without_body = without_body, .needs_length = true, .malformed = malformed}
    );
    auto read = co_await reader.run();
    if (!read) co_return std::move(read.error());
    co_return ExchangeEnd{.result = {}, .container_ok = !read->excess};
}

struct UrlParts {
    std::string_view host = "localhost";
    std::string_view target = "/";
};

UrlParts split(std::string_view url) {
    UrlParts parts;
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) {
        url.remove_prefix(scheme + 3);
        const auto path = std::min(url.find_first_of("/?"), url.size());
        if (path > 0) parts.host = url.substr(0, path);
        url.remove_prefix(path);
    }
    if (url.starts_with('/')) parts.target = url;
    return parts;
}

}  // namespace

std::string http_stdio_head(
    const Invocation& invocation, std::optional<std::uint64_t> body_size, WallTime deadline
) {
    const auto url = split(invocation.url);
    HttpRequestHead head(invocation.method, url.target, url.host);
    // As Fn's canonical form spells them.
    head.add("Fn_call_id", invocation.call_id);
    head.add("Fn_deadline", format_time(deadline));
    head.add("Fn-Attempt", std::to_string(invocation.attempt));
    head.add("Fn_method", invocation.method);
    head.add("Fn_request_url", invocation.url);
    if (!invocation.content_type.empty()) head.add("Content-Type", invocation.content_type);
    for (const auto& [name, value] : invocation.headers) head.add(name, value);
    return std::move(head).finish(body_size);
}

Task<ExchangeEnd> exchange_http_stdio(
    FunctionStream::Ends pipes,
    const Invocation& invocation,
    BodySource& source,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline deadline
) {
    FunctionStream stream(co_await asio::this_coro::executor, pipes, deadline);
    RequestBody body(source, BodyFraming::http);
    Sending sending{
        .stream = stream,
        .head = http_stdio_head(invocation, body.size(), wall_time_of(deadline)),
        .body = body,
        .all_sent = {}
    };
    const bool is_head = invocation.method == "HEAD";
    auto sent =
        co_await send_and_read(std::move(sending), read_answer(stream, answer, limits, is_head));
    // The rest of this request must not be taken for the next one.
    if (sent.cut_short) sent.end.container_ok = false;
    co_return std::move(sent.end);
}

}  // namespace stoker
