#include "api/fn_actions.hpp"

#include <nlohmann/json.hpp>

#include "api/call_moves.hpp"
#include "api/json_io.hpp"

namespace stoker {

void FnActionsApi::add_routes(Router& router) {
    router.add("POST", "/v2/fns/:fn_id/pause", [this](Exchange&, const PathParams& params) {
        return pause(params["fn_id"]);
    });
    router.add("POST", "/v2/fns/:fn_id/resume", [this](Exchange&, const PathParams& params) {
        return resume(params["fn_id"]);
    });
    router.add("POST", "/v2/fns/:fn_id/purge", [this](Exchange&, const PathParams& params) {
        return purge(params["fn_id"]);
    });
}

Task<Result<Reply>> FnActionsApi::pause(std::string fn_id) {
    const auto fn = co_await store_.pause_fn(fn_id);
    cache_.drop_fn(fn_id);
    if (!fn) co_return fail(fn.error());
    co_return json_response(to_json(*fn));
}

Task<Result<Reply>> FnActionsApi::resume(std::string fn_id) {
    const auto fn = co_await store_.resume_fn(fn_id);
    cache_.drop_fn(fn_id);
    if (!fn) co_return fail(fn.error());
    co_return json_response(to_json(*fn));
}

Task<Result<Reply>> FnActionsApi::purge(std::string fn_id) {
    const auto cancelled = co_await store_.purge_fn(std::move(fn_id));
    if (!cancelled) co_return fail(cancelled.error());
    publish_moves(events_, *cancelled);
    Json body;
    body["cancelled"] = cancelled->size();
    co_return json_response(body);
}

}  // namespace stoker
