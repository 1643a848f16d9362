#include "api/exchange_io.hpp"

#include "api/error_response.hpp"

namespace stoker {

namespace {

Result<void> as_result(const Received<void>& received) {
    // Only the worker sees this: the client is gone.
    if (!received) return fail(Errc::invalid_request, "Client cancelled context");
    return {};
}

}  // namespace

std::optional<std::uint64_t> ExchangeBody::size() const {
    const auto& request = exchange_.request();
    return request.chunked ? std::nullopt : std::optional(request.content_length.value_or(0));
}

Task<Result<std::string_view>> ExchangeBody::read() {
    const auto piece = co_await exchange_.read_some(bytes_max_);
    if (piece) co_return *piece;
    auto failure = error_of(piece.error(), exchange_.request(), bytes_max_);
    // Whoever reads on when the call has ended is told the same; and nobody hears it who has gone.
    if (piece.error() != HttpFault::closed) failure_ = failure;
    co_return fail(std::move(failure));
}

Task<Result<void>> ExchangeAnswer::head(AnswerHead head) {
    std::erase_if(head.headers, [](const Header& header) {
        return same_header_name(header.first, "Fn-Call-Id");
    });
    head.headers.emplace_back("Fn-Call-Id", call_id_);
    exchange_.begin(head.status, head.headers, head.length);
    if (head.length) co_return Result<void>{};
    co_return as_result(co_await exchange_.write({}, false));
}

Task<Result<void>> ExchangeAnswer::write(std::string_view bytes, bool last) {
    co_return as_result(co_await exchange_.write(bytes, last));
}

}  // namespace stoker
