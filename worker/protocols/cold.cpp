#include "worker/protocols/cold.hpp"

#include "worker/protocols/request_sender.hpp"

namespace stoker {

namespace {

Task<ExchangeEnd> read_answer(
    FunctionStream& stream,
    Latch<ExitStatus>& exited,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline deadline
) {
    WholeAnswer whole;
    for (;;) {
        const auto read = co_await stream.read_some(whole.body);
        if (!read && read.error() == FunctionStream::Failure::closed) break;
        if (!read) co_return broken_off(read.error());
        if (whole.body.size() > limits.whole_body_bytes_max) {
            co_return broken_off(Errc::response_too_large);
        }
    }
    const auto exit = co_await exited.wait(deadline);
    if (!exit) co_return broken_off(Errc::function_timeout);
    if (exit->code != 0) co_return broken_off(FunctionStream::Failure::closed);
    co_return ExchangeEnd{.result = co_await give_whole(answer, std::move(whole), limits)};
}

}  // namespace

Task<ExchangeEnd> exchange_cold(
    StdioPipes& pipes,
    Latch<ExitStatus>& exited,
    BodySource& source,
    FunctionAnswer& answer,
    ExchangeLimits limits,
    Deadline deadline
) {
    FunctionStream stream(co_await asio::this_coro::executor, pipes.ends(), deadline);
    RequestBody body(source, BodyFraming::as_is);
    const auto close_input = [&] {
        stream.release_write();
        pipes.in.reset();
    };
    auto sent = co_await send_and_read(
        {.stream = stream, .head = {}, .body = body, .all_sent = close_input},
        read_answer(stream, exited, answer, limits, deadline)
    );
    sent.end.container_ok = false;
    co_return std::move(sent.end);
}

}  // namespace stoker
