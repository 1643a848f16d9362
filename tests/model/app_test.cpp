#include "model/app.hpp"

#include <doctest/doctest.h>

using namespace stoker;

namespace {

App good_app() {
    App app;
    app.id = "01D2TJ0DXBNG8G00GZJ0000001";
    app.name = "shop";
    app.created_at = from_ms(1000);
    app.updated_at = from_ms(1000);
    return app;
}

std::string refusal(const App& app) {
    const auto valid = validate(app);
    if (valid) return "";
    CHECK(valid.error().code == Errc::invalid_request);
    return valid.error().message;
}

std::string name_refusal(std::string name) {
    auto app = good_app();
    app.name = std::move(name);
    return refusal(app);
}

std::string annotation_refusal(const std::string& key, const std::string& value) {
    const auto valid = validate_annotations({{key, value}});
    return valid ? "" : valid.error().message;
}

}  // namespace

TEST_CASE("App: a name is letters of any script, digits, _ and -, up to 255 bytes") {
    CHECK(name_refusal("").starts_with("Missing Name"));
    CHECK(name_refusal("Shop_9-x").empty());
    CHECK(name_refusal("caf\xC3\xA9\xE6\x97\xA5").empty());
    CHECK(name_refusal(std::string(255, 'a')).empty());
    CHECK(name_refusal(std::string(256, 'a')) == "App name must be 255 characters or less");
    for (const auto* bad : {"a b", "a/b", "a.b", "\xFF", "\xE2\x82\xAC", "a\n"}) {
        CAPTURE(bad);
        CHECK(name_refusal(bad) == "Invalid app name");
    }
}

TEST_CASE("App: a syslog url needs one of the five schemes") {
    auto app = good_app();
    for (const auto* good : {"tcp://h:1", "udp://h", "unix:///s", "unixgram:///s", "tcp+tls://h"}) {
        app.syslog_url = good;
        CHECK(refusal(app).empty());
    }
    for (const auto* bad : {"http://h", "tcp", "", "://"}) {
        app.syslog_url = bad;
        CHECK(refusal(app).starts_with("invalid syslog url: \"" + std::string(bad) + "\" "));
    }
}

TEST_CASE("App: annotation keys and values have Fn's limits and texts") {
    CHECK(annotation_refusal("k", "1").empty());
    CHECK(annotation_refusal("k", "false").empty());
    const auto* bad_key =
        "Invalid annotation key, annotation keys must be non-empty ascii strings excluding "
        "whitespace";
    CHECK(annotation_refusal("", "1") == bad_key);
    CHECK(annotation_refusal("a b", "1") == bad_key);
    CHECK(annotation_refusal("\xC3\xA9", "1") == bad_key);
    CHECK(annotation_refusal(std::string(128, 'k'), "1").empty());
    CHECK(
        annotation_refusal(std::string(129, 'k'), "1") ==
        "Invalid annotation key length, annotation keys may not be larger than 128 bytes"
    );
    const auto* bad_value =
        "Invalid annotation value, annotation values may only be non-empty strings, numbers, "
        "objects, or arrays";
    for (const auto* empty : {"", "\"\"", "null"})
        CHECK(annotation_refusal("k", empty) == bad_value);
    CHECK(annotation_refusal("k", std::string(512, '1')).empty());
    CHECK(
        annotation_refusal("k", std::string(513, '1')) ==
        "Invalid annotation value length, annotation values may not be larger than 512 bytes when "
        "serialized as JSON"
    );
}

TEST_CASE("App: at most 100 annotations") {
    Annotations many;
    for (int i = 0; i < 100; ++i) many["k" + std::to_string(i)] = "1";
    CHECK(validate_annotations(many));
    many["more"] = "1";
    const auto valid = validate_annotations(many);
    REQUIRE_FALSE(valid);
    CHECK(
        valid.error().message ==
        "Invalid annotation change, new key(s) exceed maximum permitted number of annotations keys "
        "(100)"
    );
}

TEST_CASE("App: a patch merges its maps, and the empty value deletes a key") {
    auto app = good_app();
    app.config = {{"keep", "1"}, {"drop", "2"}, {"set", "3"}};
    app.annotations = {{"keep", "1"}, {"drop", "2"}, {"null", "3"}};
    app.syslog_url = "tcp://h";
    AppPatch patch;
    patch.config = {{"drop", ""}, {"set", "4"}, {"unknown", ""}};
    patch.annotations = {{"drop", ""}, {"null", "null"}, {"new", "[1]"}};
    patch.syslog_url = "";
    const auto merged = apply(app, patch, from_ms(2000));
    REQUIRE(merged);
    CHECK(merged->config == Config{{"keep", "1"}, {"set", "4"}});
    CHECK(merged->annotations == Annotations{{"keep", "1"}, {"new", "[1]"}});
    CHECK_FALSE(merged->syslog_url);
    CHECK(merged->updated_at == from_ms(2000));
    CHECK(merged->created_at == from_ms(1000));
}

TEST_CASE("App: a patch that changes nothing leaves updated_at") {
    auto app = good_app();
    app.config = {{"a", "1"}};
    AppPatch patch;
    patch.id = app.id;
    patch.name = app.name;
    patch.config = {{"a", "1"}, {"absent", ""}};
    const auto merged = apply(app, patch, from_ms(2000));
    REQUIRE(merged);
    CHECK(*merged == app);
}

TEST_CASE("App: id and name cannot be patched, and the merged app is validated") {
    const auto app = good_app();
    AppPatch other_id;
    other_id.id = "x";
    auto merged = apply(app, other_id, from_ms(2000));
    REQUIRE_FALSE(merged);
    CHECK(merged.error().code == Errc::invalid_request);
    CHECK(merged.error().message == "App ID in path does not match ID in body");

    AppPatch other_name;
    other_name.name = "other";
    merged = apply(app, other_name, from_ms(2000));
    REQUIRE_FALSE(merged);
    CHECK(merged.error().code == Errc::conflict);
    CHECK(merged.error().message == "Could not update - name is immutable");

    AppPatch bad;
    bad.annotations = {{"bad key", "1"}};
    CHECK_FALSE(apply(app, bad, from_ms(2000)));
}
