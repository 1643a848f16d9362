#include "api/apps.hpp"

#include <nlohmann/json.hpp>

#include "api/call_moves.hpp"
#include "api/json_io.hpp"
#include "api/paging.hpp"

namespace stoker {

void AppsApi::add_routes(Router& router) {
    router.add("GET", "/v2/apps", [this](Exchange& exchange, const PathParams&) {
        return list(exchange);
    });
    router.add("POST", "/v2/apps", [this](Exchange& exchange, const PathParams&) {
        return create(exchange);
    });
    router.add("GET", "/v2/apps/:app_id", [this](Exchange&, const PathParams& params) {
        return get(params["app_id"]);
    });
    router.add("PUT", "/v2/apps/:app_id", [this](Exchange& exchange, const PathParams& params) {
        return update(exchange, params["app_id"]);
    });
    router.add("DELETE", "/v2/apps/:app_id", [this](Exchange&, const PathParams& params) {
        return remove(params["app_id"]);
    });
}

Task<Result<Reply>> AppsApi::list(Exchange& exchange) {
    const QueryParams query(exchange.request().query());
    const auto page = page_of(query);
    if (!page) co_return fail(page.error());
    AppFilter filter;
    if (const auto* name = query.find("name")) filter.name = *name;

    const auto apps = co_await store_.list_apps(std::move(filter), *page);
    if (!apps) co_return fail(apps.error());

    std::vector<Json> items;
    for (const auto& app : *apps) items.push_back(to_json(app));
    const std::string_view last = apps->empty() ? std::string_view{} : apps->back().name;
    co_return json_response(list_json(std::move(items), *page, last));
}

Task<Result<Reply>> AppsApi::create(Exchange& exchange) {
    const auto body = co_await receive_json(exchange);
    if (!body) co_return fail(body.error());
    auto app = app_from_json(*body);
    if (!app) co_return fail(std::move(app.error()));
    if (auto valid = validate(*app); !valid) co_return fail(std::move(valid.error()));

    app->id = ids_.next();
    app->created_at = app->updated_at = clock_.now();
    const auto created = co_await store_.insert_app(std::move(*app));
    if (!created) co_return fail(created.error());
    co_return json_response(to_json(*created));
}

Task<Result<Reply>> AppsApi::get(std::string app_id) {
    const auto app = co_await store_.get_app(std::move(app_id));
    if (!app) co_return fail(app.error());
    co_return json_response(to_json(*app));
}

Task<Result<Reply>> AppsApi::update(Exchange& exchange, std::string app_id) {
    const auto body = co_await receive_json(exchange);
    if (!body) co_return fail(body.error());
    auto patch = app_patch_from_json(*body);
    if (!patch) co_return fail(std::move(patch.error()));

    const auto app = co_await store_.update_app(app_id, std::move(*patch));
    cache_.drop_app(app_id);
    if (!app) co_return fail(app.error());
    changed_();
    co_return json_response(to_json(*app));
}

Task<Result<Reply>> AppsApi::remove(std::string app_id) {
    const auto cancelled = co_await store_.delete_app(app_id);
    cache_.drop_app(app_id);
    if (!cancelled) co_return fail(cancelled.error());
    changed_();
    publish_moves(events_, *cancelled);
    co_return Response{204, {}, {}};
}

}  // namespace stoker
