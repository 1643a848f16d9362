#include "worker/protocols/exchange.hpp"

#include <fmt/format.h>

#include "common/http/server_answer.hpp"

namespace stoker {

namespace {

std::string raw_head(const AnswerHead& head) {
    auto raw = fmt::format("HTTP/1.1 {} {}\r\n", head.status, reason_of(head.status));
    for (const auto& [name, value] : head.headers) {
        fmt::format_to(std::back_inserter(raw), "{}: {}\r\n", name, value);
    }
    if (head.length) {
        fmt::format_to(std::back_inserter(raw), "Content-Length: {}\r\n", *head.length);
    }
    return raw + "\r\n";
}

}  // namespace

ExchangeEnd broken_off(Errc code, std::string message, std::string detail) {
    return {.result = fail(code, std::move(message), std::move(detail))};
}

ExchangeEnd broken_off(FunctionStream::Failure failure) {
    if (failure == FunctionStream::Failure::timed_out) return broken_off(Errc::function_timeout);
    auto end = broken_off(Errc::container_exit);
    end.lost = true;
    return end;
}

Task<Result<void>> give_whole(FunctionAnswer& answer, WholeAnswer whole, ExchangeLimits limits) {
    if (whole.body.size() > limits.whole_body_bytes_max) co_return fail(Errc::response_too_large);
    const bool bodiless = whole.status == 204 || whole.status == 304;
    if (bodiless) whole.body.clear();
    AnswerHead head{.status = whole.status, .headers = std::move(whole.headers), .length = {}};
    if (!bodiless) head.length = whole.body.size();
    const auto raw = raw_head(head);
    if (raw.size() > limits.head_bytes_max) {
        co_return fail(Errc::function_failed, "function response header too large");
    }
    if (auto taken = co_await answer.head(std::move(head), raw); !taken) co_return taken;
    co_return co_await answer.data(whole.body, whole.body, true);
}

}  // namespace stoker
