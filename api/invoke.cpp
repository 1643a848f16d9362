#include "api/invoke.hpp"

#include "api/accepted_response.hpp"
#include "api/error_response.hpp"
#include "api/exchange_io.hpp"
#include "api/json_io.hpp"
#include "api/public_url.hpp"

namespace stoker {

namespace {

/// Read before the function is asked, so that it goes to it in one piece.
constexpr std::uint64_t inline_body_bytes_max = 16UL * 1024;

Response with_call_id(Response response, std::string call_id) {
    response.headers.emplace_back("Fn-Call-Id", std::move(call_id));
    return response;
}

}  // namespace

void InvokeApi::add_routes(Router& router) {
    router.add("POST", "/invoke/:fn_id", [this](Exchange& exchange, const PathParams& params) {
        return invoke(exchange, params["fn_id"]);
    });
}

Task<Result<Reply>> InvokeApi::invoke(Exchange& exchange, std::string fn_id) {
    auto fn = co_await parts_.cache.get(std::move(fn_id));
    if (!fn) co_return fail(std::move(fn.error()));
    const auto wish = invoke_wish(exchange.request().headers, (*fn)->fn.type);
    if (!wish) co_return fail(wish.error());
    if (!parts_.container_fits((*fn)->fn.container_mb(), (*fn)->fn.cpus))
        co_return fail(Errc::impossible_memory);
    switch (wish->mode) {
        case InvokeMode::sync:
            if (const auto field = async_only_field(exchange.request().headers); !field.empty()) {
                co_return fail(
                    Errc::invalid_request, std::string(field) + " needs an asynchronous call"
                );
            }
            co_return co_await run(exchange, std::move(*fn));
        case InvokeMode::async:
            co_return co_await accept(exchange, std::move(*fn), wish->preference_applied);
        case InvokeMode::detached: break;
    }
    co_return fail(Errc::detached_not_supported);
}

std::string InvokeApi::url_of(const Request& request) const {
    return base_url(parts_.public_url, request).append(request.target, request.path_at);
}

Task<Result<Reply>> InvokeApi::run(Exchange& exchange, FnEntryRef fn) {
    if (parts_.acceptor.closed()) co_return fail(Errc::shutting_down);
    const auto& request = exchange.request();
    const auto bytes_max = parts_.limits.sync_body_bytes_max;
    if (request.content_length.value_or(0) > bytes_max) {
        co_return fail(error_of(HttpFault::body_too_large, request, bytes_max));
    }
    const auto call_id = parts_.ids.next();
    Invocation invocation{
        .call_id = call_id,
        .fn = fn->spec,
        .method = request.method,
        .url = url_of(request),
        .headers = forwarded_headers(request.headers, parts_.keep_authorization),
        .content_type = content_type_of(request.headers),
        .attempt = 1
    };
    ExchangeAnswer answer(exchange, call_id);
    ExchangeBody streamed(exchange, bytes_max);
    const auto give_up = deadline_in(parts_.limits.slot_wait);
    Result<void> ended;
    if (!request.chunked && request.content_length.value_or(0) <= inline_body_bytes_max) {
        const auto bytes = co_await receive_body(exchange, inline_body_bytes_max);
        if (!bytes) co_return fail(bytes.error());
        InlineBody body(*bytes);
        ended = co_await parts_.invoker.invoke(std::move(invocation), body, answer, give_up);
    } else {
        ended = co_await parts_.invoker.invoke(std::move(invocation), streamed, answer, give_up);
    }
    if (ended) co_return Reply{};
    const auto& error = streamed.failure() ? *streamed.failure() : ended.error();
    if (exchange.answered()) co_return fail(error);
    co_return with_call_id(error_response(error, parts_.ids), call_id);
}

Task<Result<Reply>> InvokeApi::accept(Exchange& exchange, FnEntryRef fn, bool preference_applied) {
    const auto& request = exchange.request();
    auto options = call_options(request.headers, parts_.limits.options, parts_.clock.now());
    if (!options) co_return fail(std::move(options.error()));
    if (auto admitted = parts_.acceptor.admit(fn->fn, *options); !admitted) {
        co_return fail(std::move(admitted.error()));
    }
    auto body = co_await receive_body(exchange, parts_.limits.async_body_bytes_max);
    if (!body) co_return fail(std::move(body.error()));

    auto call_id = parts_.ids.next();
    CallRequest stored{
        .method = request.method,
        .url = url_of(request),
        .headers = forwarded_headers(request.headers, false),
        .content_type = content_type_of(request.headers),
        .body = BodyRef::of(std::move(*body))
    };
    const auto accepted = co_await parts_.acceptor.accept(
        std::move(fn), call_id, std::move(stored), std::move(*options)
    );
    if (!accepted) {
        co_return with_call_id(error_response(accepted.error(), parts_.ids), std::move(call_id));
    }

    auto response = accepted_response(*accepted, call_id);
    if (preference_applied) response.headers.emplace_back("Preference-Applied", "respond-async");
    co_return response;
}

}  // namespace stoker
