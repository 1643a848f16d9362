#include "api/system.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "tests/api/api_fixture.hpp"

namespace stoker::test {

TEST_CASE("system: ping, version and health") {
    const ApiFixture api;
    CHECK(api.get("/").body == R"({"goto":"https://github.com/fnproject/fn","hello":"world!"})");
    CHECK(api.get("/version").body == R"({"version":"1.2.3"})");
    CHECK(api.get("/version/").status == 200);
    CHECK(api.get("/healthz").status == 200);
    CHECK(api.send("HEAD", "/version").header("Content-Length") == "19");
}

TEST_CASE("system: readiness gives its reasons") {
    ApiFixture api;
    CHECK(api.get("/readyz").body == R"({"ready":true,"reasons":[]})");
    api.not_ready = true;
    api.queue.is_down = true;
    api.store.be_unhealthy("the disk is full");
    const auto answer = api.get("/readyz");
    CHECK(answer.status == 503);
    CHECK(answer.header("Retry-After") == "1");
    CHECK(
        answer.body ==
        R"({"ready":false,"reasons":["as asked","the disk is full","the queue does not answer"]})"
    );
    CHECK(api.get("/healthz").status == 200);
}

TEST_CASE("system: paths and methods that are not there") {
    const ApiFixture api;
    const auto refusal = [&](const std::string& method, const std::string& path) {
        const auto answer = api.send(method, path);
        return std::to_string(answer.status) + " " + ApiFixture::message(answer);
    };
    CHECK(refusal("GET", "/v2/nothing") == "404 Path not found: GET /v2/nothing");
    CHECK(refusal("POST", "/v2/nothing?q") == "404 Path not found: POST /v2/nothing");
    CHECK(refusal("PATCH", "/v2/apps") == "405 Method not allowed: PATCH /v2/apps");
    CHECK(refusal("CONNECT", "a:80") == "404 Path not found: CONNECT a:80");
    CHECK(refusal("FROB", "/version") == "405 Method not allowed: FROB /version");
    CHECK(api.send("DELETE", "/v2/apps").header("Allow") == "GET, HEAD, POST");
}

TEST_CASE("system: a request that is refused below the routes gets an answer of the same shape") {
    const ApiFixture api;
    const auto answer = api.connect().request("GET /version HTTP/1.1\r\n\r\n");
    CHECK(answer.status == 400);
    CHECK(answer.header("Content-Type") == "application/json; charset=utf-8");
    CHECK(answer.body == "{\"message\":\"Malformed request\",\"code\":\"invalid_request\"}\n");
}

TEST_CASE("system: a handler that throws is an internal error with an id") {
    ApiFixture api;
    api.store.throw_in_get_app = true;
    const auto answer = api.get("/v2/apps/x");
    CHECK(answer.status == 500);
    CHECK(ApiFixture::message(answer) == "internal server error");
    CHECK(is_id(std::string(ApiFixture::json(answer)["error_id"])));
}

TEST_CASE("system: metrics count requests by route, never by path") {
    const ApiFixture api;
    for (int i = 0; i < 3; ++i) api.get("/v2/apps/nobody-" + std::to_string(i));
    api.get("/nothing");
    // A request is counted once its answer has left.
    const auto has = [&](const std::string& line) {
        while (!api.get("/metrics").body.contains(line)) std::this_thread::yield();
        return true;
    };
    CHECK(has(R"(stoker_http_requests_total{route="/v2/apps/:app_id",method="GET",status="404"} 3)")
    );
    CHECK(has(R"(stoker_http_requests_total{route="none",method="any",status="404"} 1)"));
    CHECK(has(R"(stoker_http_request_seconds_count{route="/v2/apps/:app_id"} 3)"));
    CHECK_FALSE(api.get("/metrics").body.contains("nobody"));
}

}  // namespace stoker::test
