#include "worker/protocols/http_stream.hpp"

#include <fmt/format.h>

#include "worker/protocols/http_answer.hpp"
#include "worker/protocols/http_request_head.hpp"
#include "worker/protocols/request_sender.hpp"

namespace stoker {

namespace {

ExchangeEnd malformed(std::string why) { return broken_off(Errc::container_exit, {}, why); }

Result<void> meaning_of(int status) {
    switch (status) {
        case 200: return {};
        case 502: return fail(Errc::function_failed);
        case 504: return fail(Errc::function_timeout);
        default:
            return fail(
                Errc::function_failed, "invalid function response", fmt::format("{}", status)
            );
    }
}

Task<ExchangeEnd> read_answer(
    FunctionStream& stream, FunctionAnswer& answer, ExchangeLimits limits
) {
    HttpAnswerReader reader(stream, answer, limits, {.malformed = malformed});
    auto read = co_await reader.run();
    if (!read) co_return std::move(read.error());
    ExchangeEnd end{.result = meaning_of(read->status)};
    end.container_ok =
        !read->excess && (read->status == 200 || read->status == 502 || read->status == 504);
    end.connection_ok = end.container_ok && read->keep_alive;
    co_return end;
}

}  // namespace

std::string http_stream_head(
    const Invocation& invocation, std::optional<std::uint64_t> body_size, WallTime deadline
) {
    HttpRequestHead head("POST", "/call", "localhost");
    head.add("Fn-Call-Id", invocation.call_id);
    head.add("Fn-Deadline", format_time(deadline));
    head.add("Fn-Attempt", std::to_string(invocation.attempt));
    if (!invocation.content_type.empty()) head.add("Content-Type", invocation.content_type);
    for (const auto& [name, value] : invocation.headers) head.add(name, value);
    return std::move(head).finish(body_size);
}

Task<ExchangeEnd> exchange_http_stream(
    int connection,
    const Invocation& invocation,
    BodySource& source,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline deadline
) {
    FunctionStream stream(co_await asio::this_coro::executor, {connection, connection}, deadline);
    RequestBody body(source, BodyFraming::http);
    Sending sending{
        .stream = stream,
        .head = http_stream_head(invocation, body.size(), wall_time_of(deadline)),
        .body = body,
        .all_sent = {}
    };
    auto sent = co_await send_and_read(std::move(sending), read_answer(stream, answer, limits));
    // A request cut short leaves the connection in the middle of a message.
    if (sent.cut_short) sent.end.connection_ok = false;
    co_return std::move(sent.end);
}

}  // namespace stoker
