// Functions that fail in every way a container can. Each call ends with the right status and
// reason, and the next call is not harmed.

#include "tests/system/fixture.hpp"

using namespace stoker;
using namespace stoker::test;
using nlohmann::json;

namespace {

/// Whatever happened before, the function serves the next call.
void check_next_call_is_well(const StokerProcess& stoker, const std::string& fn) {
    const auto next = stoker.call_async(fn, "echo fine");
    CHECK(stoker.ended(next).at("status") == "success");
    CHECK(stoker.request("GET", "/v2/calls/" + next + "/response").body == "fine");
}

}  // namespace

TEST_CASE("bad function: exits at start") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"config", {{"MODE", "start-exit:3"}}}});
    const auto id = stoker.call_async(fn, "echo x");
    const auto call = stoker.ended(id);
    CHECK(call.at("status") == "error");
    CHECK(call.at("error_code") == "init_failed");
    CHECK(call.at("error").get<std::string>().starts_with("Container failed to initialize"));
    CHECK(stoker.log_of(id).contains("told to exit at start"));
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").status == 502);

    stoker.json("PUT", "/v2/fns/" + fn, R"({"config":{"MODE":""}})");
    check_next_call_is_well(stoker, fn);
}

TEST_CASE("bad function: hangs at start") {
    const Running stoker({"--init-timeout", "500ms"});
    const auto fn = stoker.make_fn(function_image(), {{"config", {{"MODE", "start-hang"}}}});
    const auto call = stoker.ended(stoker.call_async(fn, "echo x"));
    CHECK(call.at("error_code") == "init_timeout");
    CHECK(stoker.request("POST", "/invoke/" + fn, "echo x").status == 504);

    stoker.json("PUT", "/v2/fns/" + fn, R"({"config":{"MODE":""}})");
    check_next_call_is_well(stoker, fn);
    eventually("no container of the hung starts is left", [&] {
        return stoker.containers().size() == 1;
    });
}

TEST_CASE("bad function: crashes in a call") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto call = stoker.ended(stoker.call_async(fn, "exit 7"));
    CHECK(call.at("status") == "error");
    CHECK(call.at("error_code") == "container_exit");
    CHECK(call.at("error") == "error receiving function response: container exit code 7");
    check_next_call_is_well(stoker, fn);
    const auto sync = stoker.request("POST", "/invoke/" + fn, "exit 0");
    CHECK(sync.status == 502);
    CHECK(json::parse(sync.body).at("code") == "container_exit");
    check_next_call_is_well(stoker, fn);
}

TEST_CASE("bad function: exceeds its timeout") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"timeout", 1}});
    const auto call = stoker.ended(stoker.call_async(fn, "sleep 20000"));
    CHECK(call.at("status") == "timeout");
    CHECK(call.at("error_code") == "function_timeout");
    CHECK(call.at("error") == "Timed out");
    check_next_call_is_well(stoker, fn);
    const auto sync = stoker.request("POST", "/invoke/" + fn, "sleep 20000");
    CHECK(sync.status == 504);
    check_next_call_is_well(stoker, fn);
    eventually("the containers that timed out are gone", [&] {
        return stoker.containers().size() == 1;
    });
}

TEST_CASE("bad function: takes more memory than it has") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image(), {{"memory", 32}});
    const auto call = stoker.ended(stoker.call_async(fn, "eat 500"));
    CHECK(call.at("status") == "killed");
    CHECK(call.at("error_code") == "out_of_memory");
    check_next_call_is_well(stoker, fn);
    // Where the engine does not know of the kill but by the exit code.
    const auto untold = stoker.ended(stoker.call_async(fn, "exit 137"));
    CHECK(untold.at("status") == "killed");
    CHECK(untold.at("error_code") == "out_of_memory");
    check_next_call_is_well(stoker, fn);
}

TEST_CASE("bad function: answers what is not HTTP, or a status outside the contract") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    CHECK(stoker.ended(stoker.call_async(fn, "garbage")).at("status") == "error");
    check_next_call_is_well(stoker, fn);
    const auto call = stoker.ended(stoker.call_async(fn, "status 500"));
    CHECK(call.at("status") == "error");
    CHECK(call.at("error") == "invalid function response");
    check_next_call_is_well(stoker, fn);
}

TEST_CASE("bad function: says itself that it failed or timed out") {
    const Running stoker;
    const auto fn = stoker.make_fn(function_image());
    const auto failed = stoker.call_async(fn, "status 502");
    CHECK(stoker.ended(failed).at("error_code") == "function_failed");
    const auto answer = stoker.request("GET", "/v2/calls/" + failed + "/response");
    CHECK(answer.status == 502);
    CHECK(answer.body == "as told");
    CHECK(stoker.ended(stoker.call_async(fn, "status 504")).at("status") == "timeout");
    CHECK(stoker.request("POST", "/invoke/" + fn, "status 502").status == 502);
    CHECK(stoker.request("POST", "/invoke/" + fn, "status 504").status == 504);
}

TEST_CASE("bad function: answers more than is stored") {
    const Running stoker({"--max-response", "1MB"});
    const auto fn = stoker.make_fn(function_image());
    const auto call = stoker.ended(stoker.call_async(fn, "big 2000000"));
    CHECK(call.at("status") == "error");
    CHECK(call.at("error_code") == "response_too_large");
    check_next_call_is_well(stoker, fn);
}

TEST_CASE("bad function: an image that does not exist") {
    const Running stoker;
    const auto fn = stoker.make_fn("127.0.0.1:1/nothing/here:latest");
    const auto call = stoker.ended(stoker.call_async(fn, "echo x"));
    CHECK(call.at("status") == "error");
    CHECK(call.at("error").get<std::string>().starts_with("Failed to pull image"));
    CHECK(
        stoker.request("GET", "/v2/calls/" + call.at("id").get<std::string>() + "/response")
            .status == 404
    );
}

TEST_CASE("bad function: more memory than there is") {
    const Running stoker({"--memory", "1GB"});
    const auto app = stoker.json("POST", "/v2/apps", R"({"name":"big"})").at("id");
    const json fn{{"app_id", app}, {"name", "f"}, {"image", function_image()}, {"memory", 2000}};
    const auto answer = stoker.request("POST", "/v2/fns", fn.dump());
    CHECK(answer.status == 400);
    CHECK(json::parse(answer.body).at("message") == "Requested CPU/Memory cannot be allocated");
}
