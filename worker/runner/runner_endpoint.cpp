#include "worker/runner/runner_endpoint.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "model/runner_protocol.hpp"
#include "worker/runner/runner_io.hpp"

namespace stoker {

namespace {

using runner::Outcome;

Response response_of(Outcome outcome, const Error& error) {
    return {spec_of(error.code).status, runner::outcome_fields(outcome), runner::error_text(error)};
}

/// Another worker may do better.
bool is_of_this_worker(Errc code) {
    return code == Errc::server_busy || code == Errc::shutting_down ||
           code == Errc::engine_unavailable || code == Errc::engine_failed ||
           code == Errc::impossible_memory;
}

/// An exception must end it, too: it is raced against what never ends.
Task<Result<void>> run(
    Invoker& invoker,
    Invocation invocation,
    RunnerBody& body,
    RunnerAnswer& answer,
    Deadline give_up
) {
    try {
        co_return co_await invoker.invoke(std::move(invocation), body, answer, give_up);
    } catch (const std::exception& e) {
        co_return fail(Errc::internal, {}, e.what());
    }
}

/// Shows the api that its call is not forgotten. Never ends by itself.
Task<> show_signs(Exchange& exchange, const RunnerBody& body) {
    do {
        co_await sleep_for(runner::sign_interval);
    } while (!body.is_begun() && !exchange.answered() && exchange.say_processing());
    Timer never(co_await asio::this_coro::executor, Deadline::max());
    co_await never.async_wait(use_task);
}

}  // namespace

RunnerEndpoint::RunnerEndpoint(Invoker& invoker, HasRoom has_room, Metrics& metrics) :
    invoker_(invoker),
    has_room_(std::move(has_room)),
    taken_(metrics.counter("stoker_runner_taken_total", "Synchronous calls taken from apis")),
    refused_(metrics.counter("stoker_runner_refused_total", "Synchronous calls left to others")) {}

Task<> RunnerEndpoint::serve(Exchange& exchange) {
    using namespace asio::experimental::awaitable_operators;
    auto call = runner::read_request(exchange.request().headers);
    if (call && !has_room_(*call->invocation.fn)) call = fail(Errc::server_busy);
    if (!call) {
        refused_.add();
        co_return co_await exchange.respond(response_of(Outcome::refused, call.error()));
    }
    taken_.add();
    RunnerBody body(exchange, call->body_bytes);
    RunnerAnswer answer(exchange);
    const auto give_up = deadline_in(call->slot_wait);
    // Such a function begins with its container, not with what is sent to it.
    if (call->invocation.fn->format == FnFormat::cold && !co_await body.begin()) {
        co_return exchange.cut();
    }
    const auto first = co_await (
        run(invoker_, std::move(call->invocation), body, answer, give_up) ||
        show_signs(exchange, body)
    );
    const auto& ended = std::get<0>(first);
    if (ended) co_return;
    if (exchange.answered()) co_return exchange.cut();
    const bool refuses = !body.is_begun() && is_of_this_worker(ended.error().code);
    if (refuses) refused_.add();
    co_await exchange.respond(
        response_of(refuses ? Outcome::refused : Outcome::error, ended.error())
    );
}

}  // namespace stoker
