#include "api/router.hpp"

#include <doctest/doctest.h>

namespace stoker::test {

namespace {

Router& add_all(Router& router) {
    const Handler none;
    router.add("GET", "/", none);
    router.add("GET", "/v2/fns", none);
    router.add("POST", "/v2/fns", none);
    router.add("GET", "/v2/fns/:fn_id", none);
    router.add("DELETE", "/v2/fns/:fn_id", none);
    router.add("GET", "/v2/fns/:fn_id/calls/:call_id/log", none);
    router.add("GET", "/v2/fns/special", none);
    router.add("GET", "/t/:app", none);
    router.add("GET", "/t/:app/*source", none);
    return router;
}

std::string pattern(const RouteMatch& match) {
    return match.endpoint ? match.endpoint->pattern : "none";
}

}  // namespace

TEST_CASE("Router: finds the endpoint of a path and method") {
    Router router;
    add_all(router);
    CHECK(pattern(router.find("GET", "/")) == "/");
    CHECK(pattern(router.find("GET", "/v2/fns")) == "/v2/fns");
    CHECK(router.find("POST", "/v2/fns").endpoint->method == "POST");
    const auto log = router.find("GET", "/v2/fns/F/calls/C/log");
    CHECK(pattern(log) == "/v2/fns/:fn_id/calls/:call_id/log");
    CHECK(log.params["fn_id"] == "F");
    CHECK(log.params["call_id"] == "C");
}

TEST_CASE("Router: unknown paths match nothing and allow nothing") {
    Router router;
    add_all(router);
    for (const auto* path :
         {"/v2",
          "/v2/fn",
          "/v2/fns/F/calls",
          "/v2/fns/F/calls/C/log/x",
          "//",
          "/v2//fns",
          "/v2/fns//calls/C/log",
          "*",
          "a:80",
          ""}) {
        CAPTURE(std::string(path));
        const auto match = router.find("GET", path);
        CHECK(match.endpoint == nullptr);
        CHECK(match.allow.empty());
    }
}

TEST_CASE("Router: a known path with another method says what is allowed") {
    Router router;
    add_all(router);
    CHECK(router.find("PUT", "/v2/fns").allow == "GET, HEAD, POST");
    CHECK(router.find("CONNECT", "/v2/fns/F").allow == "GET, HEAD, DELETE");
}

TEST_CASE("Router: HEAD is served by GET") {
    Router router;
    add_all(router);
    CHECK(pattern(router.find("HEAD", "/v2/fns/F")) == "/v2/fns/:fn_id");
}

TEST_CASE("Router: one trailing slash is the same path") {
    Router router;
    add_all(router);
    CHECK(pattern(router.find("GET", "/v2/fns/")) == "/v2/fns");
    CHECK(router.find("GET", "/v2/fns/F/").params["fn_id"] == "F");
    CHECK(pattern(router.find("GET", "/v2/fns//")) == "none");
}

TEST_CASE("Router: segments are decoded one by one") {
    Router router;
    add_all(router);
    CHECK(router.find("GET", "/v2/fns/a%20b").params["fn_id"] == "a b");
    CHECK(router.find("GET", "/v2/fns/a%2Fb").params["fn_id"] == "a/b");
    CHECK(pattern(router.find("GET", "/v2/%66ns")) == "/v2/fns");
}

TEST_CASE("Router: a literal wins over a parameter, but only if the rest matches too") {
    Router router;
    add_all(router);
    CHECK(pattern(router.find("GET", "/v2/fns/special")) == "/v2/fns/special");
    CHECK(router.find("GET", "/v2/fns/special/calls/C/log").params["fn_id"] == "special");
}

TEST_CASE("Router: a wildcard takes the rest with its slash") {
    Router router;
    add_all(router);
    const auto match = router.find("GET", "/t/app/a//b%20c/");
    CHECK(match.params["app"] == "app");
    CHECK(match.params["source"] == "/a//b c/");
    CHECK(pattern(router.find("GET", "/t/app")) == "/t/:app");
    CHECK(router.find("GET", "/t/app/").params["source"] == "/");
}

}  // namespace stoker::test
