#include "api/call_actions.hpp"

#include <nlohmann/json.hpp>

#include "api/accepted_response.hpp"
#include "api/json_io.hpp"

namespace stoker {

namespace {

/// The call, and why nothing was done to it.
Response ended_response(const Call& call) {
    const auto& spec = spec_of(Errc::call_ended);
    auto body = to_json(call);
    body["message"] = spec.message;
    body["code"] = spec.word;
    auto response = json_response(body);
    response.status = spec.status;
    return response;
}

}  // namespace

void CallActionsApi::add_routes(Router& router) {
    const auto canonical = [](const PathParams&) { return Scope::all(); };
    const auto of_fn = [](const PathParams& params) { return Scope::fn(params["fn_id"]); };
    const auto add = [&](const std::string& base, auto scope) {
        router.add("POST", base + "/cancel", [this, scope](Exchange&, const PathParams& params) {
            return cancel(scope(params), params["call_id"]);
        });
        router.add(
            "POST",
            base + "/redrive",
            [this, scope](Exchange& exchange, const PathParams& params) {
                return redrive(exchange, scope(params), params["call_id"]);
            }
        );
    };
    add("/v2/calls/:call_id", canonical);
    add("/v2/fns/:fn_id/calls/:call_id", of_fn);
}

/// What asks again after a lost answer is told the same.
Task<Result<Reply>> CallActionsApi::cancel(Scope scope, std::string call_id) {
    const auto call = co_await parts_.store.cancel(std::move(scope), std::move(call_id));
    if (!call) co_return fail(call.error());
    if (is_terminal(call->status) && call->status != CallStatus::cancelled) {
        co_return ended_response(*call);
    }
    auto response = json_response(to_json(*call));
    if (call->status == CallStatus::cancelled) {
        parts_.events.publish({call->id, call->fn_id, call->status, call->attempt});
    } else {
        response.status = 202;  // its worker is told
    }
    co_return response;
}

/// A new call with what the dead one was sent, as the function is today.
Task<Result<Reply>> CallActionsApi::redrive(Exchange& exchange, Scope scope, std::string call_id) {
    const auto call = co_await parts_.store.get_call(scope, call_id);
    if (!call) co_return fail(call.error());
    if (!is_dead(call->status)) co_return fail(Errc::call_not_dead);
    auto fn = co_await parts_.cache.get(call->fn_id);
    if (!fn) co_return fail(std::move(fn.error()));
    if (!parts_.container_fits((*fn)->fn.container_mb(), (*fn)->fn.cpus)) {
        co_return fail(Errc::impossible_memory);
    }
    auto options = call_options(exchange.request().headers, parts_.limits, parts_.clock.now());
    if (!options) co_return fail(std::move(options.error()));
    options->redriven_from = call_id;
    if (auto admitted = parts_.acceptor.admit((*fn)->fn, *options); !admitted) {
        co_return fail(std::move(admitted.error()));
    }
    auto request = co_await parts_.store.get_request(std::move(scope), std::move(call_id));
    if (!request) co_return fail(std::move(request.error()));
    const auto own_id = parts_.ids.next();
    const auto accepted = co_await parts_.acceptor.accept(
        std::move(*fn), own_id, std::move(*request), std::move(*options)
    );
    if (!accepted) co_return fail(accepted.error());
    co_return accepted_response(*accepted, own_id);
}

}  // namespace stoker
