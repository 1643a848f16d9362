#include "cli/client/follow.hpp"

#include <fmt/format.h>

#include "model/call.hpp"

namespace stoker {

namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

constexpr int failures_in_a_row_max = 10;

/// Until it executes something changes every second; then the server may wait long for its end.
std::chrono::seconds wait_for(const Json& call, std::chrono::seconds pause_max) {
    return text_of_call(call, "phase") == "executing" ? pause_max : std::min(pause_max, 1s);
}

}  // namespace

Task<Answer<Json>> follow_call(
    const ApiClient& client,
    std::string call_id,
    std::chrono::seconds pause_max,
    std::function<Task<>(const Json&)> on_look
) {
    const auto target = "/v2/calls/" + percent_encoded(call_id);
    auto wait = 0s;
    int failures = 0;
    for (;;) {
        const auto asked = std::chrono::steady_clock::now();
        auto call = co_await client.get(
            wait > 0s ? fmt::format("{}?wait={}s", target, wait.count()) : target,
            deadline_in(wait + 15s)
        );
        if (!call) {
            if (!call.error().is_passing() || ++failures >= failures_in_a_row_max) co_return call;
            co_await sleep_for(500ms);
            continue;
        }
        failures = 0;
        co_await on_look(*call);
        if (has_ended(*call)) co_return call;
        // A server that does not wait must not be asked in a tight loop.
        if (wait > 0s && std::chrono::steady_clock::now() - asked < 100ms)
            co_await sleep_for(200ms);
        wait = wait_for(*call, pause_max);
    }
}

bool has_ended(const Json& call) {
    const auto status = parse_call_status(text_of_call(call, "status"));
    return status && is_terminal(*status);
}

bool has_succeeded(const Json& call) { return text_of_call(call, "status") == "success"; }

std::string describe_call(const Json& call) {
    auto text = text_of_call(call, "status");
    if (text == "running") text += fmt::format(", attempt {}", call.value("attempt", 0));
    const auto phase = text_of_call(call, "phase");
    if (!phase.empty() && phase != "queued") text += " (" + phase + ")";
    const auto error = text_of_call(call, "error");
    if (!error.empty()) text += ": " + error;
    const auto code = text_of_call(call, "error_code");
    if (!code.empty()) text += " (" + code + ")";
    return text;
}

std::string text_of_call(const Json& call, const char* key) {
    const auto found = call.find(key);
    return found != call.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace stoker
