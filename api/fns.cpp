#include "api/fns.hpp"

#include <nlohmann/json.hpp>

#include "api/call_moves.hpp"
#include "api/json_io.hpp"
#include "api/paging.hpp"
#include "api/public_url.hpp"
#include "common/json_text.hpp"

namespace stoker {

void FnsApi::add_routes(Router& router) {
    router.add("GET", "/v2/fns", [this](Exchange& exchange, const PathParams&) {
        return list(exchange);
    });
    router.add("POST", "/v2/fns", [this](Exchange& exchange, const PathParams&) {
        return create(exchange);
    });
    router.add("GET", "/v2/fns/:fn_id", [this](Exchange& exchange, const PathParams& params) {
        return get(exchange, params["fn_id"]);
    });
    router.add("PUT", "/v2/fns/:fn_id", [this](Exchange& exchange, const PathParams& params) {
        return update(exchange, params["fn_id"]);
    });
    router.add("DELETE", "/v2/fns/:fn_id", [this](Exchange&, const PathParams& params) {
        return remove(params["fn_id"]);
    });
}

Json FnsApi::annotated(Fn fn, const Request& request) const {
    std::string endpoint;
    append_json_string(endpoint, base_url(parts_.public_url, request) + "/invoke/" + fn.id);
    fn.annotations["fnproject.io/fn/invokeEndpoint"] = std::move(endpoint);
    return to_json(fn);
}

Task<Result<Reply>> FnsApi::list(Exchange& exchange) {
    const QueryParams query(exchange.request().query());
    const auto page = page_of(query);
    if (!page) co_return fail(page.error());
    const auto* app_id = query.find("app_id");
    if (app_id == nullptr || app_id->empty()) {
        co_return fail(Errc::invalid_request, "Missing AppID on Fn");
    }
    FnFilter filter{.app_id = *app_id, .name = {}};
    if (const auto* name = query.find("name")) filter.name = *name;

    const auto fns = co_await parts_.store.list_fns(std::move(filter), *page);
    if (!fns) co_return fail(fns.error());

    std::vector<Json> items;
    for (const auto& fn : *fns) items.push_back(annotated(fn, exchange.request()));
    const std::string_view last = fns->empty() ? std::string_view{} : fns->back().name;
    co_return json_response(list_json(std::move(items), *page, last));
}

Task<Result<Reply>> FnsApi::create(Exchange& exchange) {
    const auto body = co_await receive_json(exchange);
    if (!body) co_return fail(body.error());
    auto fn = fn_from_json(*body);
    if (!fn) co_return fail(std::move(fn.error()));
    if (auto valid = validate(*fn); !valid) co_return fail(std::move(valid.error()));
    if (!parts_.container_fits(fn->container_mb(), fn->cpus))
        co_return fail(Errc::impossible_memory);

    fn->id = parts_.ids.next();
    fn->created_at = fn->updated_at = parts_.clock.now();
    const auto created = co_await parts_.store.insert_fn(std::move(*fn));
    if (!created) co_return fail(created.error());
    parts_.changed();
    co_return json_response(annotated(*created, exchange.request()));
}

Task<Result<Reply>> FnsApi::get(Exchange& exchange, std::string fn_id) {
    const auto fn = co_await parts_.store.get_fn(std::move(fn_id));
    if (!fn) co_return fail(fn.error());
    co_return json_response(annotated(*fn, exchange.request()));
}

Task<Result<Reply>> FnsApi::update(Exchange& exchange, std::string fn_id) {
    const auto body = co_await receive_json(exchange);
    if (!body) co_return fail(body.error());
    auto patch = fn_patch_from_json(*body);
    if (!patch) co_return fail(std::move(patch.error()));
    const auto current = co_await parts_.store.get_fn(fn_id);
    if (!current) co_return fail(current.error());
    const auto merged = apply(*current, *patch, parts_.clock.now());
    if (!merged) co_return fail(merged.error());
    // A function that has come to be too big for its workers can still be changed otherwise.
    const bool is_bigger =
        merged->container_mb() > current->container_mb() || merged->cpus > current->cpus;
    if (is_bigger && !parts_.container_fits(merged->container_mb(), merged->cpus)) {
        co_return fail(Errc::impossible_memory);
    }

    const auto fn = co_await parts_.store.update_fn(fn_id, std::move(*patch));
    parts_.cache.drop_fn(fn_id);
    if (!fn) co_return fail(fn.error());
    parts_.changed();
    co_return json_response(to_json(*fn));
}

Task<Result<Reply>> FnsApi::remove(std::string fn_id) {
    const auto cancelled = co_await parts_.store.delete_fn(fn_id);
    parts_.cache.drop_fn(fn_id);
    if (!cancelled) co_return fail(cancelled.error());
    parts_.changed();
    publish_moves(parts_.events, *cancelled);
    co_return Response{204, {}, {}};
}

}  // namespace stoker
