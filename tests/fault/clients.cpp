#include "tests/fault/clients.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tests/support/run.hpp"

namespace stoker::test {

namespace {

constexpr Millis patience{10'000};

bool chance(auto& random, unsigned percent) { return random() % 100 < percent; }

nlohmann::json parsed(const std::string& body) {
    return nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
}

std::string word(const nlohmann::json& answer, const char* name) {
    return answer.is_object() ? answer.value(name, "") : "";
}

}  // namespace

Clients::Clients(
    History& history, std::vector<HttpAddress> doors, Cluster::Functions functions, LoadPlan plan
) :
    history_(history),
    doors_(std::move(doors)),
    functions_(std::move(functions)),
    plan_(plan) {
    for (std::size_t i = 0; i < plan_.clients; ++i) {
        threads_.emplace_back([this, i](const std::stop_token& stop) { make_calls(i, stop); });
    }
}

void Clients::make_calls(std::size_t number, const std::stop_token& stop) {
    Random random(plan_.seed * 1'000 + number);
    const std::chrono::microseconds mean(1'000'000 * plan_.clients / plan_.calls_per_second);
    std::exponential_distribution<double> pause(1.0);
    while (!stop.stop_requested()) {
        make(plan_call(random), random);
        const auto micros = static_cast<double>(mean.count()) * pause(random);
        std::this_thread::sleep_for(std::chrono::microseconds(static_cast<std::int64_t>(micros)));
    }
}

Clients::Call Clients::plan_call(Random& random) {
    Call call;
    call.token = fmt::format("t{}", next_token_++);
    call.fn = functions_.plain;
    int fails = 0;
    const auto kind = random() % 100;
    if (kind < 20) {
        call.delay_ms = static_cast<std::int64_t>(random() % 5'000);
        call.headers.emplace_back("Stoker-Delay", fmt::format("{}ms", call.delay_ms));
    } else if (kind < 30) {
        call.is_repeated = true;
        call.headers.emplace_back("Idempotency-Key", call.token);
    } else if (kind < 34) {
        call.is_cancelled = true;
        call.headers.emplace_back("Stoker-Delay", fmt::format("{}ms", random() % 500));
    } else if (kind < 44) {
        call.fn = functions_.tries;
        fails = static_cast<int>(random() % 3);
        if (chance(random, 20)) fails = -1;
    } else if (kind < 52) {
        call.fn = functions_.once;
    } else if (kind < 58) {
        call.is_synchronous = true;
    }
    if (!call.is_synchronous) {
        call.headers.emplace_back("Fn-Invoke-Type", "async");
        call.headers.emplace_back("Stoker-Priority", std::to_string(random() % 3));
    }
    const auto work_ms = chance(random, 20) ? random() % 1'500 : random() % 20;
    call.body = fmt::format("report {} {} {}", call.token, work_ms, fails);
    return call;
}

void Clients::make(const Call& call, Random& random) {
    if (call.is_synchronous) return call_synchronously(call, random);
    const auto id = accept(call, random);
    if (call.is_repeated && accept(call, random) && chance(random, 50)) accept(call, random);
    if (!id) return;
    look(*id, random);
    if (call.is_cancelled) cancel(*id, random);
    if (chance(random, 30)) look(*id, random);
}

void Clients::call_synchronously(const Call& call, Random& random) {
    history_.called(call.token);
    const auto answer =
        ask({.method = "POST",
             .target = "/invoke/" + call.fn,
             .headers = call.headers,
             .body = call.body,
             .body_source = {}},
            random);
    if (answer && answer->status == 200) history_.answered(call.token);
}

std::optional<std::string> Clients::accept(const Call& call, Random& random) {
    const auto asked_at = now_ms();
    const auto answer =
        ask({.method = "POST",
             .target = "/invoke/" + call.fn,
             .headers = call.headers,
             .body = call.body,
             .body_source = {}},
            random);
    const auto text = answer ? parsed(answer->body) : nlohmann::json();
    if (!answer || word(text, "code") == "outcome_unknown") {
        history_.unknown(call.token);
        return {};
    }
    if (answer->status != 202) {
        history_.refused(call.token, answer->status);
        return {};
    }
    const auto id = word(text, "call_id");
    history_.accepted(call.token, id, asked_at + call.delay_ms);
    return id;
}

void Clients::cancel(const std::string& id, Random& random) {
    const auto answer =
        ask({.method = "POST",
             .target = "/v2/calls/" + id + "/cancel",
             .headers = {},
             .body = {},
             .body_source = {}},
            random);
    if (answer && answer->status == 200) history_.cancelled(id);
}

void Clients::look(const std::string& id, Random& random) {
    HttpRequest request;
    request.target = "/v2/calls/" + id;
    const auto answer = ask(std::move(request), random);
    if (!answer) return;
    const auto call = parsed(answer->body);
    history_.observed(
        id, answer->status, word(call, "status"), call.is_object() ? call.value("attempt", 0) : 0
    );
}

std::optional<HttpAnswer> Clients::ask(HttpRequest request, Random& random) const {
    const HttpClient client(doors_[random() % doors_.size()]);
    auto answer = run(client.request(std::move(request), deadline_in(patience)));
    if (!answer) return {};
    return std::move(*answer);
}

}  // namespace stoker::test
