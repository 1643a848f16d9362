// What callers and operators can do with calls beside having them run at once.

#include "common/clock.hpp"
#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;
using nlohmann::json;

namespace {

std::string call_with(
    const StokerProcess& stoker, const std::string& fn, std::string body, Headers headers
) {
    headers.emplace_back("Fn-Invoke-Type", "async");
    const auto accepted = stoker.request("POST", "/invoke/" + fn, std::move(body), headers);
    REQUIRE_MESSAGE(accepted.status == 202, accepted.body);
    return json::parse(accepted.body).at("call_id");
}

WallTime time_of(const json& call, const char* field) {
    return parse_time(call.at(field).get<std::string>()).value();
}

}  // namespace

TEST_CASE("life of a call: a delayed call runs when it is due, also after a crash") {
    Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto soon = call_with(stoker, fn, "echo soon", {{"Stoker-Delay", "700ms"}});
    const auto later = call_with(stoker, fn, "echo later", {{"Stoker-Delay", "3s"}});
    for (const auto& id : {soon, later}) {
        if (id == later) {
            CHECK(stoker.json("GET", "/v2/calls/" + id).at("status") == "delayed");
            stoker.kill_hard();
            stoker.start_ready();
        }
        const auto call = stoker.ended(id);
        CHECK(call.at("status") == "success");
        CHECK(call.at("attempt") == 1);
        CHECK(time_of(call, "started_at") >= time_of(call, "run_at"));
    }
}

TEST_CASE("life of a call: what the policy names is tried again after a pause") {
    const Running stoker;
    const json policy{{"max_attempts", 3}, {"on", {"error"}}, {"base_ms", 50}, {"cap_ms", 200}};
    const auto fn = stoker.make_fn(function_image(), {{"retry", policy}});
    const auto flaky = stoker.call_async(fn, "flaky 3");
    const auto hopeless = stoker.call_async(fn, "flaky 4");
    auto call = stoker.ended(flaky);
    CHECK(call.at("status") == "success");
    CHECK(call.at("attempt") == 3);
    CHECK_FALSE(call.contains("error"));
    CHECK(stoker.request("GET", "/v2/calls/" + flaky + "/response").body == "good");
    CHECK(stoker.log_of(flaky) == "attempt 3\n");
    call = stoker.ended(hopeless);
    CHECK(call.at("status") == "error");
    CHECK(call.at("error_code") == "function_failed");
    CHECK(call.at("attempt") == 3);
    CHECK(stoker.log_of(hopeless) == "attempt 3\n");
}

TEST_CASE("life of a call: without a policy a failed call is not run again") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto call = stoker.ended(stoker.call_async(fn, "flaky 2"));
    CHECK(call.at("status") == "error");
    CHECK(call.at("attempt") == 1);
}

TEST_CASE("life of a call: between its attempts it shows why it failed and when it goes on") {
    const Running stoker;
    const json policy{{"on", {"error"}}, {"base_ms", 86'400'000}, {"cap_ms", 86'400'000}};
    const auto fn = stoker.make_fn(function_image(), {{"retry", policy}});
    const auto id = stoker.call_async(fn, "flaky 3");
    eventually("it is delayed", [&] {
        return stoker.json("GET", "/v2/calls/" + id).at("status") == "delayed";
    });
    const auto call = stoker.json("GET", "/v2/calls/" + id);
    CHECK(call.at("attempt") == 1);
    CHECK(call.at("error_code") == "function_failed");
    CHECK(time_of(call, "run_at") > time_of(call, "created_at"));
    CHECK(stoker.log_of(id) == "attempt 1\n");
    CHECK(stoker.request("GET", "/v2/calls/" + id + "/response").status == 409);
    CHECK(stoker.request("POST", "/v2/calls/" + id + "/cancel").status == 200);
    CHECK(stoker.json("GET", "/v2/calls/" + id).at("status") == "cancelled");
}

TEST_CASE("life of a call: a cancelled call stops running and its container is gone") {
    const Running stoker({"--heartbeat", "200ms"});
    const auto fn = stoker.make_fn(function_image());
    const auto id = stoker.call_async(fn, "sleep 60000");
    wait_until_executing(stoker, id);
    CHECK(stoker.request("POST", "/v2/calls/" + id + "/cancel").status == 202);
    const auto call = stoker.ended(id);
    CHECK(call.at("status") == "cancelled");
    CHECK(call.at("error_code") == "cancelled");
    eventually("the container is gone", [&] { return stoker.containers().empty(); });
    CHECK(stoker.request("POST", "/v2/calls/" + id + "/cancel").status == 200);
    const auto ended = stoker.call_async(fn, "echo x");
    stoker.ended(ended);
    CHECK(stoker.request("POST", "/v2/calls/" + ended + "/cancel").status == 409);
}

TEST_CASE("life of a call: a repeated accept is one call, also after a restart") {
    Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto first = call_with(stoker, fn, "echo x", {{"Idempotency-Key", "order 7"}});
    CHECK(stoker.ended(first).at("status") == "success");
    stoker.kill_hard();
    stoker.start_ready();
    CHECK(call_with(stoker, fn, "echo x", {{"Idempotency-Key", "order 7"}}) == first);
    CHECK(stoker.json("GET", "/v2/fns/" + fn + "/calls").at("items").size() == 1);
}

TEST_CASE("life of a call: what waits for too long ends as expired; what matters more goes first") {
    // So little memory that one call closes the gate and the rest waits in the queue.
    const Running stoker({"--memory", "200MB", "--heartbeat", "200ms"});
    const auto fn = stoker.make_fn(function_image());
    const auto busy = stoker.call_async(fn, "sleep 60000");
    wait_until_executing(stoker, busy);
    const auto old = call_with(stoker, fn, "echo old", {{"Stoker-Max-Age", "100ms"}});
    const auto low = call_with(stoker, fn, "sleep 50", {});
    const auto high = call_with(stoker, fn, "sleep 50", {{"Stoker-Priority", "2"}});
    const auto expired = stoker.ended(old);
    CHECK(expired.at("status") == "timeout");
    CHECK(expired.at("error_code") == "expired");
    CHECK(expired.at("attempt") == 0);
    CHECK(stoker.request("POST", "/v2/calls/" + busy + "/cancel").status == 202);
    const auto first = stoker.ended(high);
    CHECK(first.at("priority") == 2);
    CHECK(time_of(first, "claimed_at") <= time_of(stoker.ended(low), "claimed_at"));
}

TEST_CASE("life of a call: a paused function's calls wait until it is resumed") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    CHECK(stoker.request("POST", "/v2/fns/" + fn + "/pause").status == 200);
    const auto held = stoker.call_async(fn, "echo x");
    // Others are served meanwhile.
    const auto other = stoker.make_fn(function_image());
    CHECK(stoker.ended(stoker.call_async(other, "echo y")).at("status") == "success");
    CHECK(stoker.json("GET", "/v2/calls/" + held).at("status") == "queued");
    CHECK(stoker.request("POST", "/v2/fns/" + fn + "/resume").status == 200);
    CHECK(stoker.ended(held).at("status") == "success");

    CHECK(stoker.request("POST", "/v2/fns/" + fn + "/pause").status == 200);
    const auto purged = stoker.call_async(fn, "echo z");
    CHECK(stoker.json("POST", "/v2/fns/" + fn + "/purge").at("cancelled") == 1);
    CHECK(stoker.json("GET", "/v2/calls/" + purged).at("status") == "cancelled");
}

TEST_CASE("life of a call: a dead letter is found and redriven") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto dead = stoker.call_async(fn, "flaky 2");
    CHECK(stoker.ended(dead).at("status") == "error");
    const auto listed = stoker.json("GET", "/v2/dead?error_code=function_failed").at("items");
    REQUIRE(listed.size() == 1);
    CHECK(listed.at(0).at("id") == dead);
    const json policy{{"on", {"error"}}, {"base_ms", 1}};
    const auto change = json{{"retry", policy}}.dump();
    CHECK(stoker.request("PUT", "/v2/fns/" + fn, change).status == 200);
    const auto redriven = stoker.request("POST", "/v2/calls/" + dead + "/redrive");
    REQUIRE(redriven.status == 202);
    const std::string again = json::parse(redriven.body).at("call_id");
    const auto call = stoker.ended(again);
    CHECK(call.at("status") == "success");
    CHECK(call.at("redriven_from") == dead);
    CHECK(stoker.json("GET", "/v2/calls/" + dead).at("status") == "error");
}
