#include "api/calls.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

#include "api/call_response.hpp"
#include "api/json_io.hpp"
#include "api/paging.hpp"
#include "common/json_text.hpp"
#include "common/units.hpp"
#include "model/id.hpp"

namespace stoker {

namespace {

constexpr Millis wait_max{60'000};
/// How long a waiter trusts the events before it looks at the row again.
constexpr Millis reread_interval{5'000};
/// How often it looks whether anybody still waits.
constexpr Millis check_interval{1'000};

Result<Millis> wait_of(const QueryParams& query) {
    const auto* text = query.find("wait");
    if (text == nullptr) return Millis{0};
    const auto wait = parse_duration(*text);
    if (!wait) return fail(Errc::invalid_request, "wait is not a duration");
    if (*wait > wait_max) {
        return fail(Errc::invalid_request, "wait value is out of range, must be between 0 and 60s");
    }
    return *wait;
}

/// Unix seconds.
Result<std::optional<WallTime>> time_of(const QueryParams& query, std::string_view name) {
    const auto* text = query.find(name);
    if (text == nullptr || text->empty()) return std::nullopt;
    std::int64_t seconds = 0;
    const auto* end = text->data() + text->size();
    const auto [at, failed] = std::from_chars(text->data(), end, seconds);
    // What does not fit into milliseconds is no time anybody means.
    constexpr std::int64_t seconds_max = 1'000'000'000'000;
    if (failed != std::errc{} || at != end || seconds > seconds_max || seconds < -seconds_max) {
        return fail(Errc::invalid_request, std::string(name) + " is not an epoch time");
    }
    return from_ms(seconds * 1000);
}

Result<CallFilter> filter_of(const QueryParams& query) {
    const auto from = time_of(query, "from_time");
    if (!from) return fail(from.error());
    const auto to = time_of(query, "to_time");
    if (!to) return fail(to.error());
    CallFilter filter;
    filter.created_after = *from;
    filter.created_before = *to;
    if (const auto* word = query.find("status"); word != nullptr && !word->empty()) {
        filter.status = parse_call_status(*word);
        if (!filter.status) return fail(Errc::invalid_request, "Invalid call status");
    }
    if (const auto* code = query.find("error_code")) filter.error_code = *code;
    return filter;
}

enum class LogForm : std::uint8_t { json, text, unacceptable };

/// Fn's way: each Accept line is searched for the words, in this order; q-values mean nothing.
LogForm log_form(const Headers& headers) {
    bool asked = false;
    for (const auto& [name, value] : headers) {
        if (!same_header_name(name, "Accept")) continue;
        asked = true;
        if (value.contains("application/json")) return LogForm::json;
        if (value.contains("text/plain")) return LogForm::text;
        if (value.contains("*/*")) return LogForm::json;
    }
    return asked ? LogForm::unacceptable : LogForm::json;
}

bool wants_raw_http(const Headers& headers) {
    return std::ranges::any_of(headers, [](const Header& header) {
        return same_header_name(header.first, "Accept") && header.second.contains("message/http");
    });
}

}  // namespace

void CallsApi::add_routes(Router& router) {
    const auto canonical = [](const PathParams&) { return Scope::all(); };
    const auto of_fn = [](const PathParams& params) { return Scope::fn(params["fn_id"]); };
    const auto add = [&](const std::string& base, auto scope) {
        router.add("GET", base, [this, scope](Exchange& exchange, const PathParams& params) {
            return get(exchange, scope(params), params["call_id"]);
        });
        router
            .add("GET", base + "/log", [this, scope](Exchange& exchange, const PathParams& params) {
                return log(exchange, scope(params), params["call_id"]);
            });
        router.add(
            "GET",
            base + "/response",
            [this, scope](Exchange& exchange, const PathParams& params) {
                return response(exchange, scope(params), params["call_id"]);
            }
        );
    };
    add("/v2/calls/:call_id", canonical);
    add("/v2/fns/:fn_id/calls/:call_id", of_fn);
    router.add("GET", "/v2/fns/:fn_id/calls", [this](Exchange& exchange, const PathParams& params) {
        return list_of_fn(exchange, params["fn_id"]);
    });
    router.add("GET", "/v2/calls", [this](Exchange& exchange, const PathParams&) {
        return list_in_scope(exchange, Of::all);
    });
    router.add("GET", "/v2/dead", [this](Exchange& exchange, const PathParams&) {
        return list_in_scope(exchange, Of::dead);
    });
}

Task<Result<Reply>> CallsApi::get(Exchange& exchange, Scope scope, std::string call_id) {
    const auto wait = wait_of(QueryParams(exchange.request().query()));
    if (!wait) co_return fail(wait.error());
    const auto call = *wait == Millis{0}
                          ? co_await store_.get_call(std::move(scope), std::move(call_id))
                          : co_await wait_for_end(
                                exchange, std::move(scope), std::move(call_id), deadline_in(*wait)
                            );
    if (!call) co_return fail(call.error());
    co_return co_await show(*call);
}

Task<Response> CallsApi::show(Call call) {
    auto body = to_json(call);
    const bool executes = call.status == CallStatus::running && call.phase == CallPhase::executing;
    if (is_terminal(call.status) || executes) co_return json_response(body);
    const auto [reason, estimate] = co_await reasons_.of(call);
    if (!reason.empty()) body["waiting_for"] = reason;
    if (estimate) body["estimated_wait_ms"] = estimate->count();
    co_return json_response(body);
}

/// Subscribed before the row is read, so no end can slip between.
Task<Result<Call>> CallsApi::wait_for_end(
    Exchange& exchange, Scope scope, std::string id, Deadline until
) {
    const auto subscription = events_.subscribe_call(id, co_await asio::this_coro::executor);
    for (;;) {
        auto call = co_await store_.get_call(scope, id);
        if (!call || is_terminal(call->status)) co_return call;
        const auto reread_at = deadline_in(reread_interval);
        for (bool moved = false; !moved && !has_passed(reread_at);) {
            if (has_passed(until) || closing_() || exchange.client_gone()) co_return call;
            const auto next_check = std::min(deadline_in(check_interval), until);
            moved = (co_await subscription->next(next_check)).has_value();
        }
    }
}

Task<Result<Reply>> CallsApi::list_of_fn(Exchange& exchange, std::string fn_id) {
    const auto fn = co_await store_.get_fn(fn_id);
    if (!fn) co_return fail(fn.error());
    co_return co_await list(exchange, Scope::fn(std::move(fn_id)), Of::all);
}

/// Those of a deleted app or fn are found, too.
Task<Result<Reply>> CallsApi::list_in_scope(Exchange& exchange, Of which) {
    const QueryParams query(exchange.request().query());
    Scope scope;
    if (const auto* app_id = query.find("app_id")) scope.app_id = *app_id;
    if (const auto* fn_id = query.find("fn_id")) scope.fn_id = *fn_id;
    co_return co_await list(exchange, std::move(scope), which);
}

Task<Result<Reply>> CallsApi::list(Exchange& exchange, Scope scope, Of which) {
    const QueryParams query(exchange.request().query());
    const auto page = page_of(query);
    if (!page) co_return fail(page.error());
    if (!page->after.empty() && !is_id(page->after)) co_return fail(Errc::invalid_cursor);
    auto filter = filter_of(query);
    if (!filter) co_return fail(filter.error());
    filter->only_dead = which == Of::dead;

    const auto calls = co_await store_.list_calls(std::move(scope), *filter, *page);
    if (!calls) co_return fail(calls.error());

    std::vector<Json> items;
    for (const auto& call : *calls) items.push_back(to_json(call));
    const std::string_view last = calls->empty() ? std::string_view{} : calls->back().id;
    co_return json_response(list_json(std::move(items), *page, last));
}

Task<Result<Reply>> CallsApi::response(Exchange& exchange, Scope scope, std::string call_id) {
    const auto call = co_await store_.get_call(scope, call_id);
    if (!call) co_return fail(call.error());
    if (!is_terminal(call->status)) co_return fail(Errc::call_not_ended);
    auto stored = co_await store_.get_response(std::move(scope), call_id);
    if (!stored) co_return fail(std::move(stored.error()));

    Response response{200, {{"Content-Type", "message/http"}}, {}};
    if (wants_raw_http(exchange.request().headers)) {
        response.body = std::move(stored->head);
        response.body += stored->body.bytes;
    } else {
        auto replayed = replay(*stored);
        if (!replayed) co_return fail(std::move(replayed.error()));
        response = std::move(*replayed);
        std::erase_if(response.headers, [](const Header& header) {
            return same_header_name(header.first, "Fn-Call-Id") ||
                   same_header_name(header.first, "Fn-Call-Status");
        });
    }
    response.headers.emplace_back("Fn-Call-Id", std::move(call_id));
    // Without this field the answer is ours, not the function's.
    response.headers.emplace_back("Fn-Call-Status", to_word(call->status));
    co_return response;
}

Task<Result<Reply>> CallsApi::log(Exchange& exchange, Scope scope, std::string call_id) {
    const auto form = log_form(exchange.request().headers);
    if (form == LogForm::unacceptable) co_return fail(Errc::not_acceptable);
    const auto chunks = co_await store_.get_log(std::move(scope), call_id, 0);
    if (!chunks) co_return fail(chunks.error());

    std::string text;
    for (const auto& chunk : *chunks) text += chunk.data;
    if (form == LogForm::text) {
        co_return Response{200, {{"Content-Type", "text/plain; charset=utf-8"}}, std::move(text)};
    }
    std::string body = R"({"call_id":)";
    append_json_string(body, call_id);
    body += R"(,"log":)";
    append_json_string(body, text);
    body += '}';
    co_return json_text_response(std::move(body));
}

}  // namespace stoker
