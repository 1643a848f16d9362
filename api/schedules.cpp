#include "api/schedules.hpp"

#include <nlohmann/json.hpp>

#include "api/json_io.hpp"
#include "api/paging.hpp"
#include "model/schedule_json.hpp"

namespace stoker {

void SchedulesApi::add_routes(Router& router) {
    router.add("GET", "/v2/schedules", [this](Exchange& exchange, const PathParams&) {
        return list(exchange);
    });
    router.add("POST", "/v2/schedules", [this](Exchange& exchange, const PathParams&) {
        return create(exchange);
    });
    router.add("GET", "/v2/schedules/:id", [this](Exchange&, const PathParams& params) {
        return get(params["id"]);
    });
    router.add("PUT", "/v2/schedules/:id", [this](Exchange& exchange, const PathParams& params) {
        return update(exchange, params["id"]);
    });
    router.add("DELETE", "/v2/schedules/:id", [this](Exchange&, const PathParams& params) {
        return remove(params["id"]);
    });
}

Task<Result<Reply>> SchedulesApi::list(Exchange& exchange) {
    const QueryParams query(exchange.request().query());
    const auto page = page_of(query);
    if (!page) co_return fail(page.error());
    ScheduleFilter filter;
    if (const auto* app_id = query.find("app_id")) filter.app_id = *app_id;
    if (const auto* fn_id = query.find("fn_id")) filter.fn_id = *fn_id;

    const auto schedules = co_await store_.list(std::move(filter), *page);
    if (!schedules) co_return fail(schedules.error());
    std::vector<Json> items;
    for (const auto& schedule : *schedules) items.push_back(to_json(schedule));
    const std::string_view last = schedules->empty() ? std::string_view{} : schedules->back().id;
    co_return json_response(list_json(std::move(items), *page, last));
}

Task<Result<Reply>> SchedulesApi::create(Exchange& exchange) {
    const auto body = co_await receive_json(exchange);
    if (!body) co_return fail(body.error());
    auto schedule = schedule_from_json(*body);
    if (!schedule) co_return fail(std::move(schedule.error()));
    schedule->id = ids_.next();
    schedule->created_at = schedule->updated_at = clock_.now();
    auto begins = begun(std::move(*schedule), clock_.now());
    if (!begins) co_return fail(std::move(begins.error()));
    const auto created = co_await store_.insert(std::move(*begins));
    if (!created) co_return fail(created.error());
    co_return json_response(to_json(*created));
}

Task<Result<Reply>> SchedulesApi::get(std::string id) {
    const auto schedule = co_await store_.get(std::move(id));
    if (!schedule) co_return fail(schedule.error());
    co_return json_response(to_json(*schedule));
}

Task<Result<Reply>> SchedulesApi::update(Exchange& exchange, std::string id) {
    const auto body = co_await receive_json(exchange);
    if (!body) co_return fail(body.error());
    auto patch = schedule_patch_from_json(*body);
    if (!patch) co_return fail(std::move(patch.error()));
    const auto schedule = co_await store_.update(std::move(id), std::move(*patch));
    if (!schedule) co_return fail(schedule.error());
    co_return json_response(to_json(*schedule));
}

Task<Result<Reply>> SchedulesApi::remove(std::string id) {
    const auto removed = co_await store_.remove(std::move(id));
    if (!removed) co_return fail(removed.error());
    co_return Response{204, {}, {}};
}

}  // namespace stoker
