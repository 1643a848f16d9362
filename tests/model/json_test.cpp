#include "model/json.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace stoker;

TEST_CASE("JSON: an app shows what it has, in Fn's order") {
    App app;
    app.id = "A";
    app.name = "shop";
    CHECK(to_json(app).dump() == R"({"id":"A","name":"shop"})");
    app.config = {{"k", "v"}};
    app.annotations = {{"n", R"({"b":1,"a":[2]})"}};
    app.syslog_url = "tcp://h";
    app.created_at = from_ms(1'136'214'245'006);
    app.updated_at = app.created_at;
    CHECK(
        to_json(app).dump() ==
        R"({"id":"A","name":"shop","config":{"k":"v"},"annotations":{"n":{"b":1,"a":[2]}},)"
        R"("syslog_url":"tcp://h","created_at":"2006-01-02T15:04:05.006Z",)"
        R"("updated_at":"2006-01-02T15:04:05.006Z"})"
    );
}

TEST_CASE("JSON: a fn always shows its config") {
    Fn fn;
    fn.id = "F";
    fn.app_id = "A";
    fn.name = "f";
    fn.image = "i";
    CHECK(
        to_json(fn).dump() ==
        R"({"id":"F","name":"f","app_id":"A","image":"i","type":"sync",)"
        R"("format":"http-stream","memory":128,"timeout":30,"idle_timeout":30,)"
        R"("retry":{"max_attempts":3},"config":{}})"
    );
    fn.annotations = {{"k", "\"v\""}};
    CHECK(to_json(fn)["annotations"]["k"] == "v");
}

TEST_CASE("JSON: what is written of a fn can be read as a patch of it") {
    Fn fn;
    fn.id = "F";
    fn.app_id = "A";
    fn.name = "f";
    fn.image = "i";
    fn.format = FnFormat::http;
    fn.cpus = 1500;
    fn.tmpfs_size = 8;
    fn.max_concurrency = 4;
    fn.min_idle = 1;
    fn.config = {{"k", "v"}};
    fn.annotations = {{"k", "[1,2]"}};
    const auto patch = fn_patch_from_json(to_json(fn));
    REQUIRE(patch);
    CHECK(apply(fn, *patch, from_ms(1)) == fn);
}

TEST_CASE("JSON: a call shows its phase until it has ended, and its error after") {
    Call call;
    call.id = "C";
    call.app_id = "A";
    call.fn_id = "F";
    call.fn_rev = 2;
    call.status = CallStatus::running;
    call.phase = CallPhase::executing;
    call.attempt = 1;
    call.image = "i";
    call.created_at = from_ms(1000);
    call.claimed_at = from_ms(2000);
    CHECK(
        to_json(call).dump() ==
        R"({"id":"C","status":"running","phase":"executing","attempt":1,"max_attempts":3,)"
        R"("app_id":"A","fn_id":"F","fn_rev":2,"image":"i","format":"http-stream",)"
        R"("memory":128,"timeout":30,"idle_timeout":30,"priority":0,"created_at":"1970-01-01T00:00:01.000Z",)"
        R"("claimed_at":"1970-01-01T00:00:02.000Z"})"
    );
    call.status = CallStatus::error;
    call.error = "function failed";
    call.error_code = "function_failed";
    call.started_at = from_ms(3000);
    call.completed_at = from_ms(4000);
    const auto ended = to_json(call);
    CHECK_FALSE(ended.contains("phase"));
    CHECK(ended["error"] == "function failed");
    CHECK(ended["error_code"] == "function_failed");
    CHECK(ended["started_at"] == "1970-01-01T00:00:03.000Z");
    CHECK(ended["completed_at"] == "1970-01-01T00:00:04.000Z");
}

TEST_CASE("JSON: what a call used is shown when it was measured, and survives being stored") {
    Call call;
    CHECK_FALSE(to_json(call).contains("stats"));
    call.stats = CallStats{1, 2, 3, 4, 5, 6};
    CHECK(
        to_json(call)["stats"].dump() ==
        R"({"cpu_ms":1,"memory_peak_bytes":2,"disk_read_bytes":3,"disk_written_bytes":4,)"
        R"("net_received_bytes":5,"net_sent_bytes":6})"
    );
    CHECK(stats_from_text(dump(*call.stats)) == call.stats);
    for (const auto* bad : {"", "[]", "{", "null"}) CHECK_FALSE(stats_from_text(bad));
    CHECK(stats_from_text(R"({"cpu_ms":-1,"net_sent_bytes":"x","more":1})") == CallStats{});
}

TEST_CASE("JSON: config and annotations survive being stored") {
    const Config config{{"a", "1"}, {"quote", "\"\n"}, {"utf8", "\xC3\xA9"}};
    CHECK(config_from_text(dump(config)) == config);
    CHECK(dump(Config{}) == "{}");
    const Annotations annotations{{"k\"", R"({"b":1,"a":[2,null]})"}, {"s", "\"v\""}};
    CHECK(annotations_from_text(dump_annotations(annotations)) == annotations);
    CHECK(dump_annotations({}) == "{}");
    for (const auto* bad : {"", "[]", "{", "null"}) {
        CHECK(config_from_text(bad).empty());
        CHECK(annotations_from_text(bad).empty());
        CHECK(headers_from_text(bad).empty());
    }
}

TEST_CASE("JSON: headers keep their order, their repetitions and every byte") {
    const Headers headers{
        {"X-A", "1"},
        {"x-a", ""},
        {"X-A", "1"},
        {"X-Utf8", "\xC3\xA9 \xE2\x82\xAC"},
        {"X-Latin", "caf\xE9\xFF"},
        {"X-Quote", "\"\\,"},
    };
    CHECK(headers_from_text(dump(headers)) == headers);
    CHECK(dump(Headers{{"A", "b"}, {"A", "c"}}) == R"([["A","b"],["A","c"]])");
    CHECK(headers_from_text(R"([["A"],["A",1],1,["B","c"]])") == Headers{{"B", "c"}});
}
