#include "worker/runner/runner_io.hpp"

#include <limits>

#include "model/runner_protocol.hpp"

namespace stoker {

namespace {

std::unexpected<Error> api_gone() {
    return fail(Errc::invalid_request, "Client cancelled context", "the api has gone");
}

}  // namespace

Task<Result<std::string_view>> RunnerBody::read() {
    if (first_) {
        given_ = *std::exchange(first_, std::nullopt);
        co_return std::string_view(given_);
    }
    co_return co_await receive();
}

Task<Result<void>> RunnerBody::begin() {
    const auto piece = co_await receive();
    if (!piece) co_return fail(piece.error());
    first_ = std::string(*piece);
    co_return Result<void>{};
}

Task<Result<std::string_view>> RunnerBody::receive() {
    begun_ = true;
    // The api holds it to its bound.
    const auto piece = co_await exchange_.read_some(std::numeric_limits<std::uint64_t>::max());
    if (!piece) co_return api_gone();
    co_return *piece;
}

Task<Result<void>> RunnerAnswer::head(AnswerHead head) {
    exchange_.begin(200, runner::answer_fields(head), head.length);
    // As to a client: what has a length leaves with its first bytes.
    if (head.length) co_return Result<void>{};
    co_return co_await write({}, false);
}

Task<Result<void>> RunnerAnswer::write(std::string_view bytes, bool last) {
    const auto sent = co_await exchange_.write(bytes, last);
    if (!sent) co_return api_gone();
    co_return Result<void>{};
}

}  // namespace stoker
