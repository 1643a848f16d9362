#include "api/apps.hpp"

#include <doctest/doctest.h>

#include "tests/api/api_fixture.hpp"

namespace stoker::test {

TEST_CASE("apps: create answers 200 with the app") {
    const ApiFixture api;
    const auto made = api.send("POST", "/v2/apps", R"({"name":"one","config":{"A":"b"}})");
    CHECK(made.status == 200);
    CHECK(made.header("Content-Type") == "application/json; charset=utf-8");
    const auto app = ApiFixture::json(made);
    CHECK(is_id(app["id"].get<std::string>()));
    CHECK(app["config"]["A"] == "b");
    CHECK(parse_time(app["created_at"].get<std::string>()));
    const auto read = api.get("/v2/apps/" + app["id"].get<std::string>());
    CHECK(read.body == made.body);
}

TEST_CASE("apps: create refuses what is wrong") {
    const ApiFixture api;
    const auto refusal = [&](const std::string& body) {
        const auto answer = api.send("POST", "/v2/apps", body);
        return std::to_string(answer.status) + " " + ApiFixture::message(answer);
    };
    CHECK(refusal("{") == "400 Invalid JSON");
    CHECK(refusal("") == "400 Invalid JSON");
    CHECK(refusal("[]") == "400 Invalid JSON");
    CHECK(refusal("{}") == "400 Missing Name");
    CHECK(refusal(R"({"name":"a b"})") == "400 Invalid app name");
    CHECK(refusal(R"({"name":"a","id":"x"})") == "400 App ID cannot be supplied on create");
    api.make_app("taken");
    CHECK(refusal(R"({"name":"taken"})") == "409 App already exists");
}

TEST_CASE("apps: a body above 1 MiB is refused") {
    const ApiFixture api;
    const auto answer = api.send("POST", "/v2/apps", std::string(1024 * 1024 + 1, ' '));
    CHECK(answer.status == 413);
    CHECK(
        ApiFixture::message(answer) ==
        "Content-Length too large for this server, 1048577 > max 1048576"
    );
}

TEST_CASE("apps: PUT merges") {
    const ApiFixture api;
    const auto made = api.send("POST", "/v2/apps", R"({"name":"one","config":{"A":"b","C":"d"}})");
    const auto path = "/v2/apps/" + ApiFixture::json(made)["id"].get<std::string>();
    const auto put = api.send("PUT", path, R"({"config":{"A":"","E":"f"}})");
    CHECK(put.status == 200);
    CHECK(ApiFixture::json(put)["config"].dump() == R"({"C":"d","E":"f"})");
    CHECK(api.get(path).body == put.body);
}

TEST_CASE("apps: PUT with another id or name changes nothing") {
    const ApiFixture api;
    const auto path = "/v2/apps/" + api.make_app("one");
    const auto before = api.get(path).body;
    const auto other_id = api.send("PUT", path, R"({"id":"x","config":{"A":"b"}})");
    CHECK(other_id.status == 400);
    CHECK(ApiFixture::message(other_id) == "App ID in path does not match ID in body");
    const auto other_name = api.send("PUT", path, R"({"name":"two"})");
    CHECK(other_name.status == 409);
    CHECK(api.get(path).body == before);
}

TEST_CASE("apps: what is not there is 404") {
    const ApiFixture api;
    for (const auto* method : {"GET", "PUT", "DELETE"}) {
        const auto answer = api.send(method, "/v2/apps/nobody", "{}");
        CHECK(answer.status == 404);
        CHECK(ApiFixture::message(answer) == "App not found");
    }
}

TEST_CASE("apps: DELETE answers 204 and takes the fns along") {
    const ApiFixture api;
    const auto app_id = api.make_app();
    const auto fn_id = api.make_fn(app_id);
    const auto call_id = api.accept_call(fn_id);
    const auto gone = api.send("DELETE", "/v2/apps/" + app_id);
    CHECK(gone.status == 204);
    CHECK(gone.header("Content-Length").empty());
    CHECK(api.get("/v2/apps/" + app_id).status == 404);
    CHECK(api.get("/v2/fns/" + fn_id).status == 404);
    CHECK(api.send("POST", "/invoke/" + fn_id).status == 404);
    CHECK(ApiFixture::json(api.get("/v2/calls/" + call_id))["status"] == "cancelled");
}

TEST_CASE("apps: lists pages by name, and filters") {
    const ApiFixture api;
    CHECK(api.get("/v2/apps").body == R"({"items":[]})");
    for (const auto* name : {"b", "a", "c"}) api.make_app(name);
    const auto first = ApiFixture::json(api.get("/v2/apps?per_page=2"));
    CHECK(first["items"][0]["name"] == "a");
    CHECK(first["items"][1]["name"] == "b");
    const auto cursor = first["next_cursor"].get<std::string>();
    const auto second = ApiFixture::json(api.get("/v2/apps?per_page=2&cursor=" + cursor));
    CHECK(second["items"].size() == 1);
    CHECK_FALSE(second.contains("next_cursor"));
    CHECK(ApiFixture::json(api.get("/v2/apps?name=b"))["items"].size() == 1);
    CHECK(api.get("/v2/apps?name=nobody").body == R"({"items":[]})");
    const auto bad = api.get("/v2/apps?cursor=%21");
    CHECK(bad.status == 400);
    CHECK(ApiFixture::message(bad) == "Invalid cursor");
}

}  // namespace stoker::test
