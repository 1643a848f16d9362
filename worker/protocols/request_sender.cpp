#include "worker/protocols/request_sender.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>

namespace stoker {

RequestBody::RequestBody(BodySource& source, BodyFraming framing) :
    source_(source),
    framing_(framing),
    size_(source.size()) {}

Task<Result<void>> RequestBody::append_next(std::string& out) {
    const auto piece = co_await source_.read();
    if (!piece) co_return fail(piece.error());
    sent_ += piece->size();
    if (size_ || framing_ == BodyFraming::as_is) {
        out += *piece;
        done_ = piece->empty() || (size_ && sent_ >= *size_);
    } else if (!piece->empty()) {
        fmt::format_to(std::back_inserter(out), "{:x}\r\n", piece->size());
        out += *piece;
        out += "\r\n";
    } else {
        out += "0\r\n\r\n";
        done_ = true;
    }
    co_return Result<void>{};
}

namespace {

Task<std::optional<ExchangeEnd>> send_rest(
    FunctionStream& stream, std::string_view rest, RequestBody& body
) {
    if (const auto sent = co_await stream.write(rest); !sent) co_return broken_off(sent.error());
    std::string bytes;
    while (!body.is_done()) {
        bytes.clear();
        if (auto next = co_await body.append_next(bytes); !next) {
            co_return ExchangeEnd{.result = fail(next.error())};
        }
        if (const auto sent = co_await stream.write(bytes); !sent) {
            co_return broken_off(sent.error());
        }
    }
    co_return std::nullopt;
}

Task<SendEnd> send_rest_and_read(
    Sending& sending, std::string_view rest, Task<ExchangeEnd> reading
) {
    using namespace asio::experimental::awaitable_operators;
    bool all_sent = false;
    const auto send_then_hold = [&]() -> Task<ExchangeEnd> {
        if (auto failed = co_await send_rest(sending.stream, rest, sending.body)) {
            co_return std::move(*failed);
        }
        all_sent = true;
        if (sending.all_sent) sending.all_sent();
        // The answer decides when the exchange ends; being done with sending does not.
        Timer never(co_await asio::this_coro::executor, Deadline::max());
        co_await never.async_wait(use_task);
        co_return ExchangeEnd{};
    };
    auto first = co_await (send_then_hold() || std::move(reading));
    if (first.index() == 0) co_return SendEnd{std::get<0>(std::move(first)), !all_sent};
    co_return SendEnd{std::get<1>(std::move(first)), !all_sent};
}

}  // namespace

Task<SendEnd> send_and_read(Sending sending, Task<ExchangeEnd> reading) {
    if (!sending.body.is_done()) {
        if (auto next = co_await sending.body.append_next(sending.head); !next) {
            co_return SendEnd{{.result = fail(next.error()), .container_ok = true}, false};
        }
    }
    const auto sent = sending.stream.try_write(sending.head);
    if (!sent) co_return SendEnd{broken_off(sent.error()), true};
    if (*sent == sending.head.size() && sending.body.is_done()) {
        if (sending.all_sent) sending.all_sent();
        co_return SendEnd{co_await std::move(reading), false};
    }
    const auto rest = std::string_view(sending.head).substr(*sent);
    co_return co_await send_rest_and_read(sending, rest, std::move(reading));
}

}  // namespace stoker
