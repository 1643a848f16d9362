#include <doctest/doctest.h>

#include "tests/cli/fake_api.hpp"
#include "tests/support/temp_dir.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

const Headers of_call{{"Fn-Call-Id", "C"}};

Response call_record(const std::string& fields) {
    return {200, {}, R"({"id":"C",)" + fields + "}"};
}

}  // namespace

TEST_CASE("stoker invoke: the function is found by name and its answer printed") {
    FakeApi api;
    api.add("POST /invoke/F", {200, of_call, "the answer"});
    const auto ran = run_against(api, {"invoke", "shop", "resize"}, "from stdin");
    CHECK(ran.exit_code == 0);
    CHECK(ran.out == "the answer");
    CHECK(ran.err.empty());
    const auto seen = api.seen();
    REQUIRE(seen.size() == 3);
    CHECK(seen[2].body == "from stdin");
    CHECK(find_header(seen[2].headers, "Fn-Invoke-Type") == nullptr);
}

TEST_CASE("stoker invoke: the body comes from --data, --file or a standard input") {
    FakeApi api;
    api.add("POST /invoke/F", {200, of_call, ""});
    const TempDir dir;
    const auto file = dir.write("body", std::string("\0bytes", 6));
    const auto body_of = [&](std::vector<std::string> flags) {
        flags.insert(flags.begin(), {"invoke", "shop", "resize"});
        CHECK(run_against(api, flags, "stdin").exit_code == 0);
        return api.seen().back().body;
    };
    CHECK(body_of({"--data", "text"}) == "text");
    CHECK(body_of({"--data="}).empty());
    CHECK(body_of({"--file", file}) == std::string("\0bytes", 6));
    CHECK(body_of({"--file", "-"}) == "stdin");
    CHECK(body_of({}) == "stdin");

    const auto typed = run_command(
        {"invoke", "shop", "resize", "--content-type", "text/plain"},
        {{"STOKER_URL", api.url()}},
        "not read",
        true
    );
    CHECK(typed.exit_code == 0);
    CHECK(api.seen().back().body.empty());
    CHECK(*find_header(api.seen().back().headers, "Content-Type") == "text/plain");

    const auto absent =
        run_against(api, {"invoke", "shop", "resize", "--file", dir.file("absent")});
    CHECK(absent.exit_code == 2);
}

TEST_CASE("stoker invoke: a missing app or function and a failed call exit with 1") {
    FakeApi api;
    const auto no_app = run_against(api, {"invoke", "none", "resize"});
    CHECK(no_app.exit_code == 1);
    CHECK(no_app.err == "stoker: there is no app \"none\"\n");
    api.add("GET /v2/fns?app_id=A&name=a%20b", {200, {}, R"({"items":[]})"});
    const auto no_fn = run_against(api, {"invoke", "shop", "a b"});
    CHECK(no_fn.exit_code == 1);
    CHECK(no_fn.err == "stoker: there is no function \"a b\" in app \"shop\"\n");

    api.add(
        "POST /invoke/F",
        {502, of_call, R"({"message":"function failed","code":"function_failed"})"}
    );
    const auto failed = run_against(api, {"invoke", "shop", "resize", "--sync"});
    CHECK(failed.exit_code == 1);
    CHECK(failed.out.empty());
    CHECK(failed.err == "call C\nstoker: function failed (502)\n");
    CHECK(*find_header(api.seen().back().headers, "Fn-Invoke-Type") == "sync");
}

TEST_CASE("stoker invoke --async: the call's id is printed") {
    FakeApi api;
    api.add("POST /invoke/F", {202, of_call, R"({"call_id":"C"})"});
    const auto ran = run_against(api, {"invoke", "shop", "resize", "--async"});
    CHECK(ran.exit_code == 0);
    CHECK(ran.out == "C\n");
    CHECK(*find_header(api.seen().back().headers, "Fn-Invoke-Type") == "async");
    CHECK(run_against(api, {"invoke", "shop", "resize", "--async", "--sync"}).exit_code == 2);
}

TEST_CASE("stoker invoke --async --wait: the call is followed and its answer printed") {
    FakeApi api;
    api.add("POST /invoke/F", {202, of_call, R"({"call_id":"C"})"});
    api.add("GET /v2/calls/C", call_record(R"("status":"queued","phase":"queued")"));
    api.add(
        "GET /v2/calls/C?wait=1s",
        call_record(R"("status":"running","phase":"executing","attempt":1)")
    );
    api.add("GET /v2/calls/C?wait=30s", call_record(R"("status":"success","attempt":1)"));
    api.add("GET /v2/calls/C/response", {418, {{"Fn-Call-Status", "success"}}, "stored answer"});
    const auto ran = run_against(api, {"invoke", "shop", "resize", "--async", "--wait"});
    CHECK(ran.exit_code == 0);
    CHECK(ran.out == "stored answer");
    CHECK(ran.err == "call C\nqueued\nrunning, attempt 1 (executing)\nsuccess\n");
}

TEST_CASE("stoker invoke --async --wait: a failed call exits with 1 and prints what there is") {
    FakeApi api;
    api.add("POST /invoke/F", {202, of_call, R"({"call_id":"C"})"});
    // An answer that passes is not the end of waiting.
    api.add("GET /v2/calls/C", {503, {}, R"({"message":"busy"})"});
    api.add(
        "GET /v2/calls/C",
        call_record(R"("status":"error","error":"function failed","error_code":"function_failed")")
    );
    api.add("GET /v2/calls/C/response", {404, {}, R"({"message":"Call response not found"})"});
    const auto ran = run_against(api, {"invoke", "shop", "resize", "--async", "--wait"});
    CHECK(ran.exit_code == 1);
    CHECK(ran.out.empty());
    CHECK(ran.err == "call C\nerror: function failed (function_failed)\n");
}
