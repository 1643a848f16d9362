#include "api/calls.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "tests/api/api_fixture.hpp"
#include "tests/support/eventually.hpp"

namespace stoker::test {

namespace {

class CallFixture : public ApiFixture {
public:
    CallFixture() : fn_id(make_fn(make_app())), call_id(accept_call(fn_id)) {}

    std::string path(const std::string& rest = {}) const { return "/v2/calls/" + call_id + rest; }
    std::string nested(const std::string& rest = {}) const {
        return "/v2/fns/" + fn_id + "/calls/" + call_id + rest;
    }
    void end_with(
        const std::string& head, const std::string& body, CallStatus status = CallStatus::success
    ) {
        FinishedCall finished;
        finished.fence = claim(call_id);
        finished.end.status = status;
        finished.started_at = wall_now();
        finished.response = CallResponse{200, head, BodyRef::of(body)};
        finished.logs = {
            {0, wall_now(), LogStream::out, "one\n"},
            {1, wall_now(), LogStream::err, "two \xff\n"},
            {2, wall_now(), LogStream::out, "three"}
        };
        finish(std::move(finished));
    }
    void end_without_answer() {
        FinishedCall finished;
        finished.fence = claim(call_id);
        finished.end = {CallStatus::error, "Image not found", "image_not_found"};
        finish(std::move(finished));
    }

    const std::string fn_id;
    const std::string call_id;
};

}  // namespace

TEST_CASE("calls: a call is visible from its acceptance, on both paths") {
    const CallFixture api;
    const auto call = ApiFixture::json(api.get(api.path()));
    CHECK(call["id"] == api.call_id);
    CHECK(call["fn_id"] == api.fn_id);
    CHECK(call["status"] == "queued");
    CHECK(call["attempt"] == 0);
    CHECK(api.get(api.nested()).body == api.get(api.path()).body);
}

TEST_CASE("calls: what a call waits for is said, as far as an api knows it") {
    CallFixture api;
    const auto shown = [&] { return ApiFixture::json(api.get(api.path())); };
    CHECK(shown()["waiting_for"] == "no worker is alive");
    REQUIRE(run(api.store.register_worker("worker", "host", Millis{60'000})));
    CHECK(shown()["waiting_for"] == "a worker with room for it");
    api.queue.total_depth = 8;
    api.queue.fn_depth = 3;
    CHECK(shown()["waiting_for"] == "behind up to 7 calls, 2 of them of its function");
    REQUIRE(api.send("POST", "/v2/fns/" + api.fn_id + "/pause").status == 200);
    CHECK(shown()["waiting_for"] == "its function is paused");
    REQUIRE(api.send("POST", "/v2/fns/" + api.fn_id + "/resume").status == 200);
    api.end_without_answer();
    CHECK_FALSE(shown().contains("waiting_for"));
    CHECK_FALSE(shown().contains("estimated_wait_ms"));
}

TEST_CASE("calls: a delayed call says until when, and how long that is") {
    const CallFixture api;
    const auto accepted = api.send(
        "POST", "/invoke/" + api.fn_id, "x", {{"Fn-Invoke-Type", "async"}, {"Stoker-Delay", "1h"}}
    );
    REQUIRE(accepted.status == 202);
    const std::string id = ApiFixture::json(accepted)["call_id"];
    const auto call = ApiFixture::json(api.get("/v2/calls/" + id));
    CHECK(call["status"] == "delayed");
    CHECK(call["waiting_for"] == "it is delayed until " + std::string(call["run_at"]));
    CHECK(call["estimated_wait_ms"] > 3'000'000);
    CHECK(call["estimated_wait_ms"] <= 3'600'000);
}

TEST_CASE("calls: the wait of those before it is the estimate of a call's own") {
    CallFixture api;
    api.queue.delivered_to = wall_now() - std::chrono::minutes(5);
    REQUIRE(run(api.store.register_worker("worker", "host", Millis{60'000})));
    const auto estimate = [&] {
        return ApiFixture::json(api.get(api.path())).value("estimated_wait_ms", 0);
    };
    eventually("a sweep has asked the queue", [&] { return estimate() >= 300'000; });
}

TEST_CASE("calls: an unknown call, or one of another fn, is not found") {
    const CallFixture api;
    const auto other = "/v2/fns/other/calls/" + api.call_id;
    for (const auto& path : {std::string("/v2/calls/nobody"), other}) {
        CHECK(ApiFixture::message(api.get(path)) == "Call not found");
        CHECK(ApiFixture::message(api.get(path + "/response")) == "Call not found");
        CHECK(ApiFixture::message(api.get(path + "/log")) == "Call log not found");
        CHECK(api.get(path + "?wait=1s").status == 404);
    }
}

TEST_CASE("calls: a wait ends when the call does") {
    CallFixture api;
    auto waiter = api.connect();
    auto nested = api.connect();
    waiter.send(ApiFixture::text_of("GET", api.path("?wait=20s")));
    nested.send(ApiFixture::text_of("GET", api.nested("?wait=20")));
    api.end_with("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "");
    CHECK(ApiFixture::json(waiter.receive())["status"] == "success");
    CHECK(ApiFixture::json(nested.receive())["status"] == "success");
    CHECK(ApiFixture::json(api.get(api.path("?wait=20s")))["status"] == "success");
}

TEST_CASE("calls: a wait that is over gives the call as it is") {
    const CallFixture api;
    CHECK(ApiFixture::json(api.get(api.path("?wait=10ms")))["status"] == "queued");
    CHECK(ApiFixture::json(api.get(api.path("?wait=0")))["status"] == "queued");
}

TEST_CASE("calls: a wait ends with the server") {
    CallFixture api;
    auto waiter = api.connect();
    waiter.send(ApiFixture::text_of("GET", api.path("?wait=60s")));
    api.api->drain();
    CHECK(ApiFixture::json(waiter.receive())["status"] == "queued");
}

TEST_CASE("calls: a wait is a duration of at most a minute") {
    const CallFixture api;
    for (const auto* wait : {"61s", "2m", "-1s", "soon", "1.5s", ""}) {
        CAPTURE(std::string(wait));
        CHECK(api.get(api.path("?wait=" + std::string(wait))).status == 400);
    }
}

TEST_CASE("calls: a response is replayed as the function gave it") {
    CallFixture api;
    const auto waiting = api.get(api.path("/response"));
    CHECK(waiting.status == 409);
    CHECK(ApiFixture::message(waiting) == "Call has not ended");
    CHECK(waiting.header("Retry-After") == "1");

    SUBCASE("with a length") {
        api.end_with(
            "HTTP/1.1 207 Multi\r\nX-Mine: 1\r\nX-Mine: 2\r\nConnection: close\r\nFn-Call-Id: "
            "forged\r\n"
            "Content-Type: a/b\r\nContent-Length: 3\r\n\r\n",
            "abc",
            CallStatus::error
        );
        const auto answer = api.get(api.path("/response"));
        CHECK(answer.status == 207);
        CHECK(answer.body == "abc");
        CHECK(answer.header("Content-Type") == "a/b");
        CHECK(answer.header("Connection").empty());
        CHECK(answer.header("Fn-Call-Status") == "error");
        CHECK(answer.header("Fn-Call-Id") == api.call_id);
        CHECK(answer.head.contains("X-Mine: 1\r\nX-Mine: 2\r\n"));
        CHECK_FALSE(answer.head.contains("forged"));
        CHECK(api.get(api.nested("/response")).body == "abc");
    }
    SUBCASE("in chunks") {
        api.end_with(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        );
        const auto answer = api.get(api.path("/response"));
        CHECK(answer.body == "abcde");
        CHECK(answer.header("Content-Length") == "5");
        CHECK(answer.header("Transfer-Encoding").empty());
    }
    SUBCASE("large") {
        const std::string body(8'000'000, 'x');
        api.end_with("HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n", body);
        CHECK(api.get(api.path("/response")).body == body);
    }
}

TEST_CASE("calls: a response can be had as the bytes that came") {
    CallFixture api;
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string body = "3\r\nabc\r\n0\r\n\r\n";
    api.end_with(head, body);
    const auto answer = api.get(api.path("/response"), {{"Accept", "message/http"}});
    CHECK(answer.status == 200);
    CHECK(answer.header("Content-Type") == "message/http");
    CHECK(answer.header("Fn-Call-Status") == "success");
    CHECK(answer.body == head + body);
}

TEST_CASE("calls: a call that ended without an answer has no response") {
    CallFixture api;
    api.end_without_answer();
    const auto answer = api.get(api.path("/response"));
    CHECK(answer.status == 404);
    CHECK(ApiFixture::message(answer) == "Call response not found");
    CHECK(ApiFixture::json(api.get(api.path()))["error_code"] == "image_not_found");
}

TEST_CASE("calls: the log as JSON or text, as Fn negotiates it") {
    CallFixture api;
    api.end_with("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "");
    const auto log = [&](const Headers& headers) { return api.get(api.path("/log"), headers); };
    for (const Headers& headers :
         {Headers{},
          Headers{{"Accept", "application/json"}},
          Headers{{"Accept", "*/*"}},
          Headers{{"Accept", "text/plain, application/json"}}}) {
        const auto answer = log(headers);
        CHECK(answer.header("Content-Type") == "application/json; charset=utf-8");
        const auto json = ApiFixture::json(answer);
        CHECK(json["call_id"] == api.call_id);
        CHECK(json["log"] == "one\ntwo \xef\xbf\xbd\nthree");
    }
    const auto text = log({{"Accept", "text/plain"}});
    CHECK(text.body == "one\ntwo \xff\nthree");
    CHECK(log({{"Accept", "image/png"}, {"Accept", "text/plain"}}).body == text.body);
    const auto neither = log({{"Accept", "image/png"}});
    CHECK(neither.status == 406);
    CHECK(
        ApiFixture::message(neither) == "unable to respond within acceptable response content types"
    );
    CHECK(api.get(api.nested("/log"), {{"Accept", "text/plain"}}).body == text.body);
}

TEST_CASE("calls: lists newest first, page by page") {
    const CallFixture api;
    const auto newer = api.accept_call(api.fn_id);
    const auto list = "/v2/fns/" + api.fn_id + "/calls";
    const auto first = ApiFixture::json(api.get(list + "?per_page=1"));
    CHECK(first["items"].size() == 1);
    CHECK(first["items"][0]["id"] == newer);
    const auto second =
        ApiFixture::json(api.get(list + "?per_page=1&cursor=" + std::string(first["next_cursor"])));
    CHECK(second["items"][0]["id"] == api.call_id);
    CHECK(ApiFixture::json(api.get(list))["items"].size() == 2);
}

TEST_CASE("calls: lists filter by time and status") {
    CallFixture api;
    const auto list = "/v2/fns/" + api.fn_id + "/calls";
    const auto count = [&](const std::string& query) {
        return ApiFixture::json(api.get(list + query))["items"].size();
    };
    const auto now_s = to_ms(wall_now()) / 1000;
    CHECK(count("?from_time=" + std::to_string(now_s - 100)) == 1);
    CHECK(count("?from_time=" + std::to_string(now_s + 100)) == 0);
    CHECK(count("?to_time=" + std::to_string(now_s + 100)) == 1);
    CHECK(count("?to_time=" + std::to_string(now_s - 100)) == 0);
    CHECK(count("?status=queued") == 1);
    CHECK(count("?status=success") == 0);
}

TEST_CASE("calls: lists refuse what they cannot understand") {
    const CallFixture api;
    const auto refusal = [&](const std::string& rest) {
        const auto answer = api.get("/v2/fns/" + rest);
        return std::to_string(answer.status) + " " + ApiFixture::message(answer);
    };
    const auto list = api.fn_id + "/calls";
    CHECK(refusal(list + "?from_time=yesterday") == "400 from_time is not an epoch time");
    CHECK(refusal(list + "?to_time=1.5") == "400 to_time is not an epoch time");
    CHECK(refusal(list + "?to_time=99999999999999999") == "400 to_time is not an epoch time");
    CHECK(refusal(list + "?cursor=%21") == "400 Invalid cursor");
    CHECK(refusal(list + "?cursor=YXBw") == "400 Invalid cursor");
    CHECK(refusal(list + "?status=lost") == "400 Invalid call status");
    CHECK(refusal("nobody/calls") == "404 Fn not found");
}

}  // namespace stoker::test
