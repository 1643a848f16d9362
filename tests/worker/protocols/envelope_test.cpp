#include "worker/protocols/envelope.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace stoker;

namespace {

const WallTime deadline = parse_time("2026-01-02T03:04:05Z").value();

Invocation call(std::string content_type = "text/plain") {
    Invocation invocation;
    invocation.call_id = "01";
    invocation.method = "POST";
    invocation.url = "http://here:8080/invoke/f?a=\"b\"";
    invocation.content_type = std::move(content_type);
    invocation.headers = {{"x-one", "1"}, {"X-One", "2"}};
    return invocation;
}

std::string json_of(std::string_view body, const Invocation& invocation = call()) {
    return json_envelope().encode(invocation, body, deadline).value();
}

std::string event_of(std::string_view body, const Invocation& invocation = call()) {
    return cloudevent_envelope().encode(invocation, body, deadline).value();
}

WholeAnswer from_json(std::string_view object) {
    return json_envelope().decode(call(), object).value();
}

WholeAnswer from_event(std::string_view object) {
    return cloudevent_envelope().decode(call(), object).value();
}

}  // namespace

TEST_CASE("json: the request is one object of Fn's members, and a line break") {
    CHECK(
        json_of("say \"hi\"\n") ==
        R"({"call_id":"01","deadline":"2026-01-02T03:04:05.000Z","attempt":1,"body":"say \"hi\"\n",)"
        R"("content_type":"text/plain","protocol":{"type":"http","method":"POST",)"
        R"("request_url":"http://here:8080/invoke/f?a=\"b\"",)"
        R"("headers":{"Content-Type":["text/plain"],"X-One":["1","2"]}}})"
        "\n"
    );
    CHECK(json_of("").contains(R"("body":"",)"));
    CHECK(json_of("", call("")).contains(R"("content_type":"",)"));
}

TEST_CASE("json: a body that is not UTF-8 reaches the function with U+FFFD in it") {
    CHECK(json_of("a\xff"
                  "b")
              .contains("\"body\":\"a\xEF\xBF\xBD"
                        "b\""));
}

TEST_CASE("json: an answer's members mean status, headers and body") {
    const auto answer =
        from_json(R"({"body":"it \u00fc","content_type":"text/x","protocol":{"status_code":201,)"
                  R"("headers":{"X-A":["1","2"],"Content-Type":["text/y"],"Connection":["close"],)"
                  R"("Content-Length":["7"]}},"more":{}})");
    CHECK(answer.status == 201);
    CHECK(answer.body == "it \xC3\xBC");
    CHECK(answer.headers == Headers{{"X-A", "1"}, {"X-A", "2"}, {"Content-Type", "text/x"}});
}

TEST_CASE("json: everything in an answer is optional") {
    for (const std::string_view object :
         {"{}",
          R"({"body":null,"protocol":null})",
          R"({"protocol":{"status_code":0,"headers":null}})",
          R"({"protocol":{"headers":{"A":null,"B":[]}}})"}) {
        CAPTURE(object);
        const auto answer = from_json(object);
        CHECK(answer.status == 200);
        CHECK(answer.headers.empty());
        CHECK(answer.body.empty());
    }
}

TEST_CASE("json: an answer that is wrong is refused, whatever is wrong with it") {
    for (const std::string_view object :
         {R"({"body":1})",
          R"({"body":"a\xff"})",
          R"({"content_type":["a"]})",
          R"({"content_type":"a\r\nX: y"})",
          R"({"protocol":1})",
          R"({"protocol":{"status_code":"200"}})",
          R"({"protocol":{"status_code":100}})",
          R"({"protocol":{"status_code":1e300}})",
          R"({"protocol":{"status_code":-200}})",
          R"({"protocol":{"headers":[]}})",
          R"({"protocol":{"headers":{"A":"b"}}})",
          R"({"protocol":{"headers":{"A":[1]}}})",
          R"({"protocol":{"headers":{"A b":["c"]}}})",
          R"({"protocol":{"headers":{"A":["c\r\nD: e"]}}})",
          R"({body:1})",
          "{]}",
          R"({"a":1 "b":2})"}) {
        CAPTURE(object);
        CHECK_FALSE(json_envelope().decode(call(), object));
    }
    CHECK_FALSE(json_envelope().decode(call(), "{\"body\":\"a\xff\"}"));
}

TEST_CASE("cloudevent: the request is an event of Fn's members with the body as data") {
    CHECK(
        event_of("{ \"b\" : [1.50, \"a b\"],\n \"a\":1}") ==
        R"({"cloudEventsVersion":"0.1","eventID":"01",)"
        R"("source":"http://here:8080/invoke/f?a=\"b\"","eventType":"http",)"
        R"("eventTypeVersion":"","eventTime":"0001-01-01T00:00:00.000Z","schemaURL":"",)"
        R"("contentType":"text/plain","extensions":{"protocol":{"type":"http","method":"POST",)"
        R"("request_url":"http://here:8080/invoke/f?a=\"b\"",)"
        R"("headers":{"Content-Type":["text/plain"],"X-One":["1","2"]}},)"
        R"("deadline":"2026-01-02T03:04:05.000Z","attempt":1},"data":{"b":[1.50,"a b"],"a":1}})"
        "\n"
    );
    CHECK_FALSE(event_of("").contains("\"data\""));
    CHECK(event_of("\"text\"").contains(R"("data":"text"})"));
}

TEST_CASE("cloudevent: a body that is not JSON is the caller's fault") {
    for (const std::string& body :
         {std::string("plain"), std::string("{"), std::string("{} {}"), std::string(5000, '[')}) {
        const auto refused = cloudevent_envelope().encode(call(), body, deadline);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Errc::invalid_json);
    }
}

TEST_CASE("cloudevent: an event passes through with only what is ours in it replaced") {
    const auto invocation = call("Application/CloudEvents+JSON; charset=utf-8");
    const auto text = event_of(
        R"({"eventID":"mine","extensions":{"a":1,"deadline":"x"},"data":"d"})", invocation
    );
    CHECK(text.contains(R"("eventID":"mine")"));
    CHECK(text.contains(R"("a":1)"));
    CHECK(text.contains(R"("deadline":"2026-01-02T03:04:05.000Z")"));
    CHECK(text.contains(R"("attempt":1)"));
    CHECK(text.contains(R"("method":"POST")"));
    CHECK(text.ends_with("}\n"));
    CHECK_FALSE(cloudevent_envelope().encode(invocation, "[]", deadline));

    const std::string object =
        R"({"eventID":"its","extensions":{"protocol":{"status_code":202}},"data":1})";
    const auto answer = cloudevent_envelope().decode(invocation, object).value();
    CHECK(answer.status == 202);
    CHECK(answer.body == object);
    CHECK(answer.headers == Headers{{"Content-Type", "application/cloudevents+json"}});
}

TEST_CASE("cloudevent: an answer's data is JSON or text, as its contentType says") {
    const auto json = from_event(
        R"({"contentType":"application/json","data":{"a":[1,"ü"]},"extensions":{"protocol":)"
        R"({"status_code":404,"headers":{"X-A":["1","2"]}}}})"
    );
    CHECK(json.status == 404);
    CHECK(json.body == R"({"a":[1,"ü"]})");
    CHECK(
        json.headers == Headers{{"X-A", "1"}, {"X-A", "2"}, {"Content-Type", "application/json"}}
    );
    CHECK(from_event(R"({"contentType":"text/plain","data":"t"})").body == "t");
    CHECK(from_event(R"({"contentType":"text/plain"})").body.empty());
}

TEST_CASE("cloudevent: an answer that is wrong is refused") {
    for (const std::string_view object :
         {"{}",
          R"({"contentType":"text/html","data":"t"})",
          R"({"contentType":"application/json; charset=utf-8","data":1})",
          R"({"contentType":"text/plain","data":1})",
          R"({"contentType":"text/plain","extensions":1})",
          R"({"contentType":"text/plain","extensions":{"protocol":{"status_code":"x"}}})"}) {
        CAPTURE(object);
        CHECK_FALSE(cloudevent_envelope().decode(call(), object));
    }
}
