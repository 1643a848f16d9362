#include <doctest/doctest.h>

#include "tests/cli/fake_api.hpp"

using namespace stoker;
using namespace stoker::test;

TEST_CASE("stoker calls get: the call is shown as JSON in the server's order") {
    FakeApi api;
    api.add("GET /v2/calls/C", {200, {}, R"({"id":"C","status":"error","attempt":1})"});
    const auto ran = run_against(api, {"calls", "get", "C"});
    CHECK(ran.exit_code == 0);
    CHECK(ran.out == "{\n  \"id\": \"C\",\n  \"status\": \"error\",\n  \"attempt\": 1\n}\n");
    CHECK(run_against(api, {"calls", "get", "C", "--wait"}).exit_code == 1);
}

TEST_CASE("stoker calls get: an unknown call is an error with the server's message") {
    FakeApi api;
    api.add("GET /v2/calls/a%2Fb", {404, {}, R"({"message":"Call not found"})"});
    const auto ran = run_against(api, {"calls", "get", "a/b"});
    CHECK(ran.exit_code == 1);
    CHECK(ran.err == "stoker: Call not found (404)\n");
    api.add("GET /v2/calls/html", {500, {}, "<html>"});
    CHECK(run_against(api, {"calls", "get", "html"}).err == "stoker: the server answered 500\n");
    api.add("GET /v2/calls/odd", {200, {}, "hello"});
    CHECK(run_against(api, {"calls", "get", "odd"}).exit_code == 1);
}

TEST_CASE("stoker calls list: pages are read until the limit, as a table or as JSON lines") {
    FakeApi api;
    api.add(
        "GET /v2/fns/F/calls?per_page=3&status=error",
        {200,
         {},
         R"({"next_cursor":"n+1","items":[{"id":"C3","status":"error","attempt":2,"error_code":"oops"},)"
         R"({"id":"C2","status":"error"}]})"}
    );
    api.add(
        "GET /v2/fns/F/calls?per_page=1&status=error&cursor=n%2B1",
        {200, {}, R"({"next_cursor":"n2","items":[{"id":"C1","status":"error"}]})"}
    );
    const std::vector<std::string> words{
        "calls", "list", "shop", "resize", "--status", "error", "--limit", "3"
    };
    const auto table = run_against(api, words);
    CHECK(table.exit_code == 0);
    CHECK(table.err.empty());
    CHECK(table.out.starts_with("ID "));
    CHECK(table.out.contains("\nC3                          error      2 "));
    CHECK(table.out.contains(" oops\n"));
    CHECK(table.out.ends_with("\nC1                          error\n"));

    auto as_json = words;
    as_json.emplace_back("--json");
    CHECK(
        run_against(api, as_json).out ==
        "{\"id\":\"C3\",\"status\":\"error\",\"attempt\":2,\"error_code\":\"oops\"}\n"
        "{\"id\":\"C2\",\"status\":\"error\"}\n"
        "{\"id\":\"C1\",\"status\":\"error\"}\n"
    );
}

TEST_CASE("stoker calls list: no calls are an empty table, a wrong status a wrong command line") {
    FakeApi api;
    api.add("GET /v2/fns/F/calls?per_page=30", {200, {}, R"({"items":[]})"});
    const auto none = run_against(api, {"calls", "list", "shop", "resize"});
    CHECK(none.exit_code == 0);
    CHECK(none.out.find('\n') == none.out.size() - 1);
    const auto wrong = run_against(api, {"calls", "list", "shop", "resize", "--status", "done"});
    CHECK(wrong.exit_code == 2);
    CHECK(wrong.err.contains("--status: \"done\" is not one of delayed, queued"));
}

TEST_CASE("stoker logs: the log is printed as it is") {
    FakeApi api;
    api.add("GET /v2/calls/C/log", {200, {}, "line one\nline two"});
    const auto ran = run_against(api, {"logs", "C"});
    CHECK(ran.exit_code == 0);
    CHECK(ran.out == "line one\nline two");
    CHECK(*find_header(api.seen().back().headers, "Accept") == "text/plain");
    const auto unknown = run_against(api, {"logs", "X"});
    CHECK(unknown.exit_code == 1);
}

TEST_CASE("stoker logs --follow: each look prints what is new, a new attempt starts over") {
    FakeApi api;
    const auto look = [&](const std::string& wait, const std::string& fields, const std::string& log
                      ) {
        api.add("GET /v2/calls/C" + wait, {200, {}, R"({"id":"C",)" + fields + "}"});
        api.add("GET /v2/calls/C/log", {200, {}, log});
    };
    look("", R"("status":"running","attempt":1)", "one ");
    look("?wait=1s", R"("status":"running","attempt":1)", "one two ");
    look("?wait=1s", R"("status":"running","attempt":2)", "again one ");
    look("?wait=1s", R"("status":"success","attempt":2)", "again one end");
    const auto ran = run_against(api, {"logs", "C", "--follow"});
    CHECK(ran.exit_code == 0);
    CHECK(ran.out == "one two again one end");
}
