#include "api/fns.hpp"

#include <doctest/doctest.h>

#include "tests/api/api_fixture.hpp"

namespace stoker::test {

namespace {

const char* const endpoint_key = "fnproject.io/fn/invokeEndpoint";

}  // namespace

TEST_CASE("fns: create, get and list show where to invoke, PUT does not") {
    const ApiFixture api;
    const auto app_id = api.make_app();
    const auto body = R"({"app_id":")" + app_id +
                      R"(","name":"fn","image":"img","annotations":{"mine":[1,{"b":2,"a":1}]}})";
    const auto made = api.send("POST", "/v2/fns", body);
    REQUIRE(made.status == 200);
    const auto fn = ApiFixture::json(made);
    const auto id = fn["id"].get<std::string>();
    CHECK(fn["annotations"][endpoint_key] == "http://here:80/invoke/" + id);
    CHECK(fn["annotations"]["mine"].dump() == R"([1,{"b":2,"a":1}])");
    CHECK(fn["memory"] == 128);
    CHECK(api.get("/v2/fns/" + id).body == made.body);
    const auto listed = ApiFixture::json(api.get("/v2/fns?app_id=" + app_id));
    CHECK(listed["items"][0] == fn);

    const auto put = ApiFixture::json(api.send("PUT", "/v2/fns/" + id, R"({"memory":256})"));
    CHECK(put["memory"] == 256);
    CHECK_FALSE(put["annotations"].contains(endpoint_key));
}

TEST_CASE("fns: the public URL stands above the Host field") {
    const ApiFixture api([](ApiSettings& settings) { settings.public_url = "https://fn.example/"; }
    );
    const auto id = api.make_fn(api.make_app());
    CHECK(
        ApiFixture::json(api.get("/v2/fns/" + id))["annotations"][endpoint_key] ==
        "https://fn.example/invoke/" + id
    );
}

TEST_CASE("fns: create refuses what is wrong") {
    const ApiFixture api;
    const auto app_id = api.make_app();
    const auto refusal = [&](const std::string& fields) {
        const auto answer = api.send("POST", "/v2/fns", "{" + fields + "}");
        return std::to_string(answer.status) + " " + ApiFixture::message(answer);
    };
    const auto good = R"("app_id":")" + app_id + R"(","name":"fn","image":"img")";
    CHECK(refusal("") == "400 Missing AppID on Fn");
    CHECK(refusal(R"("id":"x")") == "400 ID cannot be provided for Fn creation");
    CHECK(
        refusal(good + R"(,"timeout":301)") ==
        "400 timeout value is out of range, must be between 0 and 300"
    );
    CHECK(refusal(good + R"(,"type":"later")") == "400 Invalid Fn type");
    CHECK(
        refusal(good + R"(,"memory":9000)") ==
        "400 memory value is out of range. It should be between 0 and 8192"
    );
    CHECK(refusal(good + R"(,"memory":2048)") == "400 Requested CPU/Memory cannot be allocated");
    CHECK(refusal(R"("app_id":"nobody","name":"fn","image":"img")") == "404 App not found");
    api.make_fn(app_id, "taken");
    CHECK(
        refusal(R"("app_id":")" + app_id + R"(","name":"taken","image":"img")") ==
        "409 Fn with specified name already exists"
    );
}

TEST_CASE("fns: PUT checks what the merge would give") {
    const ApiFixture api;
    const auto path = "/v2/fns/" + api.make_fn(api.make_app());
    const auto refusal = [&](const std::string& body) {
        const auto answer = api.send("PUT", path, body);
        return std::to_string(answer.status) + " " + ApiFixture::message(answer);
    };
    const auto before = api.get(path).body;
    CHECK(
        refusal(R"({"id":"x","image":"new"})") == "400 Fn ID in path does not match that in body"
    );
    CHECK(refusal(R"({"memory":2048})") == "400 Requested CPU/Memory cannot be allocated");
    CHECK(
        refusal(R"({"memory":9000})") ==
        "400 memory value is out of range. It should be between 0 and 8192"
    );
    CHECK(api.get(path).body == before);
    CHECK(api.send("PUT", path, R"({"name":"ignored","image":"new"})").status == 200);
    CHECK(ApiFixture::json(api.get(path))["name"] == "fn");
    CHECK(api.send("PUT", "/v2/fns/nobody", "{}").status == 404);
}

TEST_CASE("fns: a list needs an app; its filters give 200 and maybe nothing") {
    const ApiFixture api;
    const auto missing = api.get("/v2/fns");
    CHECK(missing.status == 400);
    CHECK(ApiFixture::message(missing) == "Missing AppID on Fn");
    const auto app_id = api.make_app();
    for (const auto* name : {"b", "a"}) api.make_fn(app_id, name);
    const auto path = "/v2/fns?app_id=" + app_id;
    CHECK(ApiFixture::json(api.get(path + "&name=a"))["items"].size() == 1);
    CHECK(api.get(path + "&name=c").body == R"({"items":[]})");
    const auto first = ApiFixture::json(api.get(path + "&per_page=1"));
    CHECK(first["items"][0]["name"] == "a");
    const auto second = ApiFixture::json(
        api.get(path + "&per_page=1&cursor=" + first["next_cursor"].get<std::string>())
    );
    CHECK(second["items"][0]["name"] == "b");
}

TEST_CASE("fns: DELETE cancels waiting calls and tells who waits") {
    const ApiFixture api;
    const auto fn_id = api.make_fn(api.make_app());
    const auto call_id = api.accept_call(fn_id);
    auto waiter = api.connect();
    waiter.send(ApiFixture::text_of("GET", "/v2/calls/" + call_id + "?wait=20s"));
    CHECK(api.send("DELETE", "/v2/fns/" + fn_id).status == 204);
    CHECK(ApiFixture::json(waiter.receive())["status"] == "cancelled");
    CHECK(api.send("DELETE", "/v2/fns/" + fn_id).status == 404);
}

}  // namespace stoker::test
