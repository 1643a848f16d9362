#include "api/runners/runner_attempt.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>

#include <algorithm>

#include "common/http/answer_reader.hpp"
#include "model/runner_protocol.hpp"

namespace stoker {

namespace {

using End = RunnerAttempt::End;

constexpr std::chrono::seconds connect_max{1};
/// On top of the function's own time: for its answer to be passed on, and for the end of a
/// container that had to be stopped.
constexpr std::chrono::seconds headroom{60};
constexpr std::size_t error_bytes_max = 64UL * 1024;
/// A body up to this is sent before the answer is read: it fits into the buffers on the way.
constexpr std::uint64_t sent_first_max = 16UL * 1024;
constexpr HttpLimits limits{.header_bytes_max = runner::head_bytes_max};

RunnerAttempt silent(std::string why) {
    return {End::silent, fail(Errc::no_worker, {}, std::move(why))};
}

/// The function may have run, or may still run.
Error lost(const Runner& runner, std::string_view why) {
    return {
        Errc::worker_lost,
        "The worker was lost while the call ran; the function may have run",
        fmt::format("{}: {}", runner.name, why)
    };
}

class Attempt {
public:
    Attempt(const Runner& runner, RunnerOffer offer, HttpConnection connection) :
        runner_(runner),
        offer_(offer),
        connection_(std::move(connection)) {}

    /// Empty: the worker was gone before it said anything.
    Task<std::optional<RunnerAttempt>> run();
    bool reusable() const { return reusable_; }
    HttpConnection take_connection() { return std::move(connection_); }

private:
    std::string head() const;
    Task<RunnerAttempt> end_of(AnswerReader& reader);
    Task<RunnerAttempt> commit(std::string received);
    Task<RunnerAttempt> commit_while_wanted(std::string received);
    Task<Result<void>> send_body(Deadline deadline);
    Task<Result<void>> send(std::string_view bytes, Deadline deadline);
    Task<Result<void>> receive(std::string received, Deadline deadline);
    Task<Result<void>> pass_on(AnswerReader& reader, Deadline deadline);

    const Runner& runner_;
    const RunnerOffer offer_;
    HttpConnection connection_;
    bool all_sent_ = false;
    bool reusable_ = false;
};

std::string Attempt::head() const {
    const auto bytes = offer_.body.size();
    const auto wait =
        std::chrono::duration_cast<Millis>(offer_.give_up - std::chrono::steady_clock::now());
    std::string text = fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\n", runner::path, runner_.name);
    for (const auto& [name, value] :
         runner::request_fields(offer_.invocation, std::max(wait, Millis{0}), bytes)) {
        if (!is_valid_header(name, value)) continue;
        text.append(name).append(": ").append(value).append("\r\n");
    }
    // `100 Continue` is for those that have a body: an empty one is chunked, so that it is one.
    text += bytes.value_or(0) > 0 ? fmt::format("Content-Length: {}\r\n", *bytes)
                                  : "Transfer-Encoding: chunked\r\n";
    return text + "Expect: 100-continue\r\n\r\n";
}

Task<std::optional<RunnerAttempt>> Attempt::run() {
    const auto heard_by = [] { return deadline_in(runner::silence_max); };
    const auto sent = co_await connection_.write(head(), heard_by());
    if (!sent) co_return std::nullopt;
    std::string received;
    for (bool heard = false;; heard = true) {
        AnswerReader reader(connection_, limits, true, received);
        const auto read = co_await reader.read_head(heard_by());
        if (!read) {
            const bool gone = read.error().kind != HttpClientError::Kind::timeout;
            if (gone && !heard) co_return std::nullopt;
            co_return silent(read.error().text);
        }
        if (reader.head().status >= 200) co_return co_await end_of(reader);
        received = reader.take_unparsed();
        if (reader.head().status == 100) co_return co_await commit_while_wanted(std::move(received));
        // A worker that shows signs for ever has no container to give.
        if (has_passed(offer_.give_up + runner::silence_max)) {
            co_return silent("no container and no refusal");
        }
    }
}

/// An answer without a commitment.
Task<RunnerAttempt> Attempt::end_of(AnswerReader& reader) {
    const auto outcome = runner::outcome_of(reader.head().headers);
    if (!outcome) {
        co_return silent(fmt::format("{} is no worker of this version", reader.head().status));
    }
    const auto deadline = deadline_in(runner::silence_max);
    if (*outcome == runner::Outcome::answer) {
        co_return RunnerAttempt{End::done, co_await pass_on(reader, deadline_in(headroom))};
    }
    const auto text = co_await reader.read_all(error_bytes_max, deadline);
    if (!text) co_return silent(text.error().text);
    reusable_ = false;  // the body that was announced will never be sent
    const bool refused = *outcome == runner::Outcome::refused;
    co_return RunnerAttempt{refused ? End::refused : End::done, fail(runner::read_error(*text))};
}

/// The worker learns from the end of the connection that nobody waits for the answer any more.
Task<RunnerAttempt> Attempt::commit_while_wanted(std::string received) {
    bool is_gone = false;
    offer_.answer.when_gone([&] { is_gone = true, connection_.close(); });
    auto ended = co_await commit(std::move(received));
    offer_.answer.when_gone(nullptr);
    if (is_gone) {
        reusable_ = false;
        ended.result = fail(Errc::cancelled);
    }
    co_return ended;
}

Task<RunnerAttempt> Attempt::commit(std::string received) {
    using namespace asio::experimental::awaitable_operators;
    const std::chrono::seconds time(offer_.invocation.fn->timeout_s);
    const auto deadline = deadline_in(time + headroom);
    const auto bytes = offer_.body.size();
    if (bytes && *bytes <= sent_first_max) {
        if (auto sent = co_await send_body(deadline); !sent) {
            co_return RunnerAttempt{End::done, std::move(sent)};
        }
        co_return RunnerAttempt{End::done, co_await receive(std::move(received), deadline)};
    }
    // A function may answer before it has read all of its input.
    const auto send_then_hold = [&]() -> Task<Result<void>> {
        if (auto sent = co_await send_body(deadline); !sent) co_return sent;
        Timer never(co_await asio::this_coro::executor, Deadline::max());
        co_await never.async_wait(use_task);
        co_return Result<void>{};
    };
    auto first = co_await (send_then_hold() || receive(std::move(received), deadline));
    auto result =
        first.index() == 0 ? std::get<0>(std::move(first)) : std::get<1>(std::move(first));
    co_return RunnerAttempt{End::done, std::move(result)};
}

Task<Result<void>> Attempt::send(std::string_view bytes, Deadline deadline) {
    const auto sent = co_await connection_.write(bytes, deadline);
    if (!sent) co_return fail(lost(runner_, sent.error().text));
    co_return Result<void>{};
}

Task<Result<void>> Attempt::send_body(Deadline deadline) {
    const auto size = offer_.body.size();
    const bool chunked = size.value_or(0) == 0;
    std::uint64_t bytes_sent = 0;
    std::string chunk;
    while (chunked || bytes_sent < *size) {
        const auto piece = co_await offer_.body.read();
        if (!piece) co_return fail(piece.error());
        if (piece->empty()) break;
        bytes_sent += piece->size();
        if (chunked) {
            chunk = fmt::format("{:x}\r\n{}\r\n", piece->size(), *piece);
        }
        auto sent = co_await send(chunked ? std::string_view(chunk) : *piece, deadline);
        if (!sent) co_return sent;
    }
    if (chunked) {
        if (auto sent = co_await send("0\r\n\r\n", deadline); !sent) co_return sent;
    }
    all_sent_ = true;
    co_return Result<void>{};
}

/// The answer to a call that the worker has begun with.
Task<Result<void>> Attempt::receive(std::string received, Deadline deadline) {
    AnswerReader reader(connection_, limits, true, received);
    const auto read = co_await reader.read_head(deadline);
    if (!read) co_return fail(lost(runner_, read.error().text));
    const auto outcome = runner::outcome_of(reader.head().headers);
    if (!outcome) co_return fail(lost(runner_, "not an answer of the runner protocol"));
    if (*outcome == runner::Outcome::answer) co_return co_await pass_on(reader, deadline);
    const auto text = co_await reader.read_all(error_bytes_max, deadline);
    if (!text) co_return fail(lost(runner_, text.error().text));
    reusable_ = all_sent_ && reader.reusable();
    co_return fail(runner::read_error(*text));
}

Task<Result<void>> Attempt::pass_on(AnswerReader& reader, Deadline deadline) {
    auto head = runner::read_answer(reader.head().headers);
    if (!head) co_return fail(lost(runner_, "an answer without a status"));
    if (auto begun = co_await offer_.answer.head(std::move(*head)); !begun) co_return begun;
    for (bool last = false; !last;) {
        const auto piece = co_await reader.read(deadline);
        if (!piece) co_return fail(lost(runner_, piece.error().text));
        last = reader.is_done();
        if (auto written = co_await offer_.answer.write(*piece, last); !written) co_return written;
    }
    reusable_ = all_sent_ && reader.reusable();
    co_return Result<void>{};
}

}  // namespace

Task<RunnerAttempt> offer_to(const Runner& runner, RunnerConnections& kept, RunnerOffer offer) {
    const auto lane = co_await asio::this_coro::executor;
    for (;;) {
        auto connection = kept.take(lane, runner.name);
        const bool was_kept = connection.has_value();
        if (!connection) {
            auto made = co_await HttpConnection::connect(runner.address, deadline_in(connect_max));
            if (!made) co_return silent(std::move(made.error().text));
            connection = std::move(*made);
        }
        Attempt attempt(runner, offer, std::move(*connection));
        auto ended = co_await attempt.run();
        if (ended) {
            if (attempt.reusable()) kept.keep(lane, runner.name, attempt.take_connection());
            co_return std::move(*ended);
        }
        // A worker may close a kept connection just when it is used again.
        if (!was_kept) co_return silent("it closed the connection");
    }
}

}  // namespace stoker
