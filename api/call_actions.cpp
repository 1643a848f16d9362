#include "api/call_actions.hpp"

#include <nlohmann/json.hpp>

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
    router.add("POST", "/v2/calls/:call_id/cancel", [this](Exchange&, const PathParams& params) {
        return cancel(Scope::all(), params["call_id"]);
    });
    router.add(
        "POST",
        "/v2/fns/:fn_id/calls/:call_id/cancel",
        [this](Exchange&, const PathParams& params) {
            return cancel(Scope::fn(params["fn_id"]), params["call_id"]);
        }
    );
}

/// What asks again after a lost answer is told the same.
Task<Result<Reply>> CallActionsApi::cancel(Scope scope, std::string call_id) {
    const auto call = co_await store_.cancel(std::move(scope), std::move(call_id));
    if (!call) co_return fail(call.error());
    if (is_terminal(call->status) && call->status != CallStatus::cancelled) {
        co_return ended_response(*call);
    }
    auto response = json_response(to_json(*call));
    if (call->status == CallStatus::cancelled) {
        events_.publish({call->id, call->fn_id, call->status, call->attempt});
    } else {
        response.status = 202;  // its worker is told
    }
    co_return response;
}

}  // namespace stoker
