#include "worker/protocols/envelope_exchange.hpp"

#include "worker/protocols/http_request_head.hpp"
#include "worker/protocols/json_framer.hpp"
#include "worker/protocols/request_sender.hpp"

namespace stoker {

namespace {

ExchangeEnd invalid(std::string_view why) {
    return broken_off(
        Errc::function_failed, "invalid json response from function err: " + std::string(why)
    );
}

/// Empty: more is needed.
std::optional<ExchangeEnd> end_of(JsonFramer::State state) {
    switch (state) {
        case JsonFramer::State::more: return std::nullopt;
        case JsonFramer::State::complete: return ExchangeEnd{.result = {}, .container_ok = true};
        case JsonFramer::State::no_object: return invalid("not an object");
        case JsonFramer::State::too_deep: return invalid("too deep");
        case JsonFramer::State::too_large: return broken_off(Errc::response_too_large);
    }
    return std::nullopt;
}

Task<ExchangeEnd> read_answer(
    FunctionStream& stream,
    const Envelope& envelope,
    const Invocation& invocation,
    FunctionAnswer& answer,
    ExchangeLimits limits
) {
    JsonFramer framer(limits.whole_body_bytes_max + limits.head_bytes_max);
    std::optional<ExchangeEnd> end;
    for (std::string bytes; !end; bytes.clear()) {
        if (const auto read = co_await stream.read_some(bytes); !read) {
            co_return broken_off(read.error());
        }
        end = end_of(framer.take(bytes));
    }
    if (!end->container_ok) co_return std::move(*end);
    auto decoded = envelope.decode(invocation, framer.object());
    if (!decoded) co_return invalid(decoded.error());
    end->result = co_await give_whole(answer, std::move(*decoded), limits);
    end->container_ok = !framer.has_excess();
    co_return std::move(*end);
}

Task<Result<std::string>> read_whole(BodySource& source) {
    std::string body;
    for (;;) {
        const auto piece = co_await source.read();
        if (!piece) co_return fail(piece.error());
        if (piece->empty()) co_return body;
        if (body.size() + piece->size() > enveloped_body_bytes_max) {
            co_return fail(Errc::body_too_large);
        }
        body += *piece;
        if (source.size() && body.size() >= *source.size()) co_return body;
    }
}

}  // namespace

Task<ExchangeEnd> exchange_envelope(
    const Envelope& envelope,
    FunctionStream::Ends pipes,
    const Invocation& invocation,
    BodySource& source,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    std::chrono::seconds time
) {
    // Nothing has been said to the function while its request is put together.
    const auto text = co_await read_whole(source);
    if (!text) co_return ExchangeEnd{.result = fail(text.error()), .container_ok = true};
    const auto deadline = deadline_in(time);
    auto request = envelope.encode(invocation, *text, wall_time_of(deadline));
    if (!request) co_return ExchangeEnd{.result = fail(request.error()), .container_ok = true};

    FunctionStream stream(co_await asio::this_coro::executor, pipes, deadline);
    InlineBody bytes(*request);
    RequestBody body(bytes, BodyFraming::as_is);
    auto sent = co_await send_and_read(
        {.stream = stream, .head = {}, .body = body, .all_sent = {}},
        read_answer(stream, envelope, invocation, answer, limits)
    );
    if (sent.cut_short) sent.end.container_ok = false;
    co_return std::move(sent.end);
}

}  // namespace stoker
