#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "model/json.hpp"

using namespace stoker;

namespace {

Json object(std::string_view text) {
    auto json = parse_json_object(text);
    REQUIRE(json);
    return *json;
}

template <class T>
Error refused(const Result<T>& result) {
    REQUIRE_FALSE(result);
    return result.error();
}

Error fn_error(std::string_view text) { return refused(fn_from_json(object(text))); }

}  // namespace

TEST_CASE("JSON: only an object of bounded depth and size is a body") {
    CHECK(parse_json_object("{}"));
    CHECK(parse_json_object(" {\"a\":[1]} "));
    for (const auto* bad : {"", "[]", "1", "null", "{", "{}x", "{\"a\":}", "{\"a\":\"\xFF\"}"}) {
        CAPTURE(bad);
        CHECK(refused(parse_json_object(bad)).code == Errc::invalid_json);
    }
    const auto nested = [](std::size_t depth) {
        return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    CHECK(parse_json_object(nested(63)));
    CHECK(refused(parse_json_object(nested(64))).code == Errc::invalid_json);
    CHECK(refused(parse_json_object(std::string(1'000'000, '['))).code == Errc::invalid_json);
    CHECK(parse_json_object("{\"a\":\"[[[\\\"" + std::string(1000, '{') + "\"}"));

    std::string many = "{\"x\":1";
    for (int i = 0; i < 5000; ++i) many += ",\"k" + std::to_string(i) + "\":1";
    CHECK(refused(parse_json_object(many + "}")).code == Errc::invalid_json);
}

TEST_CASE("JSON: an app is read with its fields, and unknown ones are ignored") {
    const auto app = app_from_json(object(
        R"({"name":"shop","config":{"a":"1","n":null},"annotations":{"k":{"b":1, "a":[2]}},
            "syslog_url":"tcp://h","created_at":"2001-01-01T00:00:00Z","shape":"x","Name":5})"
    ));
    REQUIRE(app);
    CHECK(app->id.empty());
    CHECK(app->name == "shop");
    CHECK(app->config == Config{{"a", "1"}, {"n", ""}});
    CHECK(app->annotations == Annotations{{"k", R"({"b":1,"a":[2]})"}});
    CHECK(app->syslog_url == "tcp://h");
    CHECK(app->created_at == WallTime{});
}

TEST_CASE("JSON: an id cannot be chosen on create") {
    CHECK(
        refused(app_from_json(object(R"({"id":"x","name":"a"})"))).message ==
        "App ID cannot be supplied on create"
    );
    CHECK(fn_error(R"({"id":"x"})").message == "ID cannot be provided for Fn creation");
    CHECK(app_from_json(object(R"({"id":"","name":"a"})")));
    CHECK(fn_from_json(object(R"({"id":null})")));
}

TEST_CASE("JSON: a fn has Fn's defaults for what is absent, null or zero") {
    for (const auto* text :
         {"{}",
          R"({"memory":0,"timeout":0,"idle_timeout":0,"type":""})",
          R"({"memory":null,"timeout":null,"type":null,"retry":null,"config":null})"}) {
        const auto fn = fn_from_json(object(text));
        REQUIRE(fn);
        CHECK(*fn == Fn{});
    }
}

TEST_CASE("JSON: a fn is read with all its fields") {
    const auto fn = fn_from_json(object(
        R"({"app_id":"A","name":"f","image":"i","type":"async","format":"json","memory":64,
            "cpus":"0.5","tmpfs_size":16,"timeout":120,"idle_timeout":"5m",
            "retry":{"max_attempts":7},"max_concurrency":5,"min_idle":2,"config":{"a":"b"},
            "annotations":{"k":"v"}})"
    ));
    REQUIRE(fn);
    CHECK(fn->app_id == "A");
    CHECK(fn->name == "f");
    CHECK(fn->image == "i");
    CHECK(fn->type == InvokeType::async);
    CHECK(fn->format == FnFormat::json);
    CHECK(fn->memory == 64);
    CHECK(fn->cpus == 500);
    CHECK(fn->tmpfs_size == 16);
    CHECK(fn->max_concurrency == 5);
    CHECK(fn->min_idle == 2);
    CHECK(fn->timeout == 120);
    CHECK(fn->idle_timeout == 300);
    CHECK(fn->retry.max_attempts == 7);
    CHECK(fn->config == Config{{"a", "b"}});
    CHECK(fn->annotations == Annotations{{"k", "\"v\""}});
}

TEST_CASE("JSON: words and shares that are none are refused") {
    CHECK(fn_error(R"({"format":"grpc"})").message == "Invalid Fn format");
    CHECK(fn_error(R"({"cpus":"half"})").message.starts_with("Cpus is invalid."));
}

TEST_CASE("JSON: a patch takes a bound away with 0") {
    const auto patch = fn_patch_from_json(
        object(R"({"cpus":"","tmpfs_size":0,"max_concurrency":0,"min_idle":0,"memory":0})")
    );
    REQUIRE(patch);
    CHECK(patch->cpus == 0);
    CHECK(patch->tmpfs_size == 0);
    CHECK(patch->max_concurrency == 0);
    CHECK(patch->min_idle == 0);
    CHECK_FALSE(patch->memory);
}

TEST_CASE("JSON: wrong types are invalid JSON") {
    for (const auto* bad :
         {R"({"name":1})",
          R"({"memory":"128"})",
          R"({"memory":1.5})",
          R"({"timeout":true})",
          R"({"timeout":1.0})",
          R"({"retry":3})",
          R"({"retry":{"max_attempts":"3"}})",
          R"({"config":[]})",
          R"({"config":{"a":1}})",
          R"({"annotations":"x"})",
          R"({"type":1})",
          R"({"format":1})",
          R"({"cpus":1})",
          R"({"tmpfs_size":"1"})",
          R"({"max_concurrency":1.5})",
          R"({"min_idle":true})"}) {
        CAPTURE(bad);
        CHECK(fn_error(bad).code == Errc::invalid_json);
        CHECK(fn_error(bad).text() == "Invalid JSON");
    }
    CHECK(refused(app_from_json(object(R"({"syslog_url":1})"))).code == Errc::invalid_json);
    CHECK(refused(app_patch_from_json(object(R"({"id":1})"))).code == Errc::invalid_json);
    CHECK(refused(fn_patch_from_json(object(R"({"name":1})"))).code == Errc::invalid_json);
}

TEST_CASE("JSON: numbers that do not fit reach the range checks") {
    for (const auto* text :
         {R"({"timeout":-5})",
          R"({"timeout":9223372036854775807})",
          R"({"timeout":18446744073709551615})",
          R"({"timeout":-9223372036854775808})",
          R"({"timeout":"999999h"})"}) {
        CAPTURE(text);
        auto fn = fn_from_json(object(text));
        REQUIRE(fn);
        fn->app_id = fn->name = fn->image = "x";
        CHECK(validate(*fn).error().message.starts_with("timeout value is out of range"));
    }
    auto fn = fn_from_json(object(R"({"memory":-1})"));
    REQUIRE(fn);
    fn->app_id = fn->name = fn->image = "x";
    CHECK(validate(*fn).error().message.starts_with("memory value is out of range"));
    fn = fn_from_json(object(R"({"retry":{"max_attempts":99999999999}})"));
    REQUIRE(fn);
    fn->app_id = fn->name = fn->image = "x";
    CHECK(validate(*fn).error().message.starts_with("retry.max_attempts"));
}

TEST_CASE("JSON: a timeout may be text with a unit, in whole seconds") {
    const auto timeout = [](const std::string& text) {
        return fn_from_json(object(R"({"timeout":")" + text + "\"}"));
    };
    CHECK(timeout("30s")->timeout == 30);
    CHECK(timeout("2m")->timeout == 120);
    CHECK(timeout("1h")->timeout == 3600);
    CHECK(timeout("5000ms")->timeout == 5);
    CHECK(timeout("45")->timeout == 45);
    CHECK(refused(timeout("500ms")).message == "timeout must be whole seconds");
    for (const auto* bad : {"", " ", "abc", "30 s", "-1s", "1.5s", "30x"}) {
        CAPTURE(bad);
        CHECK(refused(timeout(bad)).code == Errc::invalid_request);
    }
}

TEST_CASE("JSON: a retry policy is taken as a whole, what it does not say is at its default") {
    const auto policy = [](std::string_view text) {
        const auto fn = fn_from_json(object(R"({"retry":)" + std::string(text) + "}"));
        REQUIRE(fn);
        return fn->retry;
    };
    CHECK(policy("{}") == RetryPolicy{});
    CHECK(policy(R"({"on":[],"base_ms":null})") == RetryPolicy{});
    const auto some = policy(R"({"on":["5xx","error","5xx"],"base_ms":0,"cap_ms":7})");
    CHECK(some.max_attempts == 3);
    CHECK(some.on == RetryOutcomes{}.add(RetryOutcome::error).add(RetryOutcome::server_error));
    CHECK(some.base_ms == 0);
    CHECK(some.cap_ms == 7);
    CHECK(policy(R"({"base_ms":9999999999999999999})").base_ms > retry_pause_ms_max);
    const std::string words = "retry.on is a list of error, timeout, killed and 5xx";
    CHECK(fn_error(R"({"retry":{"on":["Error"]}})").message == words);
    CHECK(fn_error(R"({"retry":{"on":[1]}})").message == words);
    CHECK(fn_error(R"({"retry":{"on":"error"}})").code == Errc::invalid_json);
    CHECK(fn_error(R"({"retry":{"base_ms":"1s"}})").code == Errc::invalid_json);
    CHECK(fn_error(R"({"retry":{"max":3}})").message == "retry.max is not supported");
    // 0 is not "absent" here: nobody writes the field without meaning it.
    CHECK(fn_from_json(object(R"({"retry":{"max_attempts":0}})"))->retry.max_attempts == 0);
}

TEST_CASE("JSON: an unknown type of fn is refused") {
    CHECK(fn_error(R"({"type":"detached"})").message == "Invalid Fn type");
    CHECK(fn_error(R"({"type":"Sync"})").code == Errc::invalid_request);
}

TEST_CASE("JSON: an empty annotation is refused on create and deletes on update") {
    for (const auto* text :
         {R"({"name":"a","annotations":{"k":null}})", R"({"name":"a","annotations":{"k":""}})"}) {
        const auto app = app_from_json(object(text));
        REQUIRE(app);
        CHECK(validate(*app).error().message.starts_with("Invalid annotation value,"));

        const auto patch = app_patch_from_json(object(text));
        REQUIRE(patch);
        Annotations annotations{{"k", "1"}, {"l", "2"}};
        merge_annotations(annotations, patch->annotations);
        CHECK(annotations == Annotations{{"l", "2"}});
    }
}

TEST_CASE("JSON: a patch holds only what the body names") {
    const auto none = fn_patch_from_json(object(R"({"memory":0,"image":"","timeout":0})"));
    REQUIRE(none);
    CHECK_FALSE(none->id);
    CHECK_FALSE(none->image);
    CHECK_FALSE(none->type);
    CHECK_FALSE(none->memory);
    CHECK_FALSE(none->timeout);
    CHECK_FALSE(none->idle_timeout);
    CHECK_FALSE(none->retry);

    const auto some = fn_patch_from_json(object(
        R"({"id":"F","app_id":"ignored","name":"ignored","image":"i","type":"sync","memory":1,
            "timeout":2,"idle_timeout":3,"retry":{"max_attempts":4},"config":{"a":""}})"
    ));
    REQUIRE(some);
    CHECK(some->id == "F");
    CHECK(some->image == "i");
    CHECK(some->type == InvokeType::sync);
    CHECK(some->memory == 1);
    CHECK(some->timeout == 2);
    CHECK(some->idle_timeout == 3);
    CHECK(some->retry == RetryPolicy{.max_attempts = 4});
    CHECK(some->config == Config{{"a", ""}});

    CHECK_FALSE(app_patch_from_json(object("{}"))->syslog_url);
    CHECK(app_patch_from_json(object(R"({"syslog_url":""})"))->syslog_url == "");
    CHECK_FALSE(app_patch_from_json(object(R"({"name":""})"))->name);
}
