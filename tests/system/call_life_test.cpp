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
