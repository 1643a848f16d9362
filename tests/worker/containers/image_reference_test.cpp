#include "worker/containers/docker/image_reference.hpp"

#include <doctest/doctest.h>

using namespace stoker;

TEST_CASE("ImageReference: names, registries, tags and digests are told apart") {
    struct Example {
        std::string text;
        ImageReference expected;
    };
    const Example examples[] = {
        {"busybox", {"busybox", "latest", false}},
        {"busybox:1.36", {"busybox", "1.36", false}},
        {"fnproject/hello:0.0.1", {"fnproject/hello", "0.0.1", false}},
        {"localhost:5000/a/b", {"localhost:5000/a/b", "latest", false}},
        {"localhost:5000/a/b:c", {"localhost:5000/a/b", "c", false}},
        {"127.0.0.1:1/nothing", {"127.0.0.1:1/nothing", "latest", false}},
        {"a@sha256:ab12", {"a", "sha256:ab12", true}},
        {"r.io/a:v1@sha256:ab12", {"r.io/a", "sha256:ab12", true}},
    };
    for (const auto& [text, expected] : examples) {
        CAPTURE(text);
        const auto parsed = parse_image_reference(text);
        REQUIRE(parsed);
        CHECK(*parsed == expected);
    }
    CHECK(parse_image_reference("a:b")->text() == "a:b");
    CHECK(parse_image_reference("a@sha256:ab12")->text() == "a@sha256:ab12");
}

TEST_CASE("ImageReference: what is no name is refused") {
    for (const std::string text :
         {"",         ":",         "a:",     ":b",      "/a",
          "a/",       "a//b",      "a/../b", "..",      ".",
          "a/./b",    "a b",       "a?x=1",  "a#b",     "a%2e",
          "a\nb",     "a:b:c",     "a:b/",   "a/b:c/d", "a@",
          "a@sha256", "a@sha256:", "@x:y",   "a\\b",    "a/b@sha256:ab/../c"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_image_reference(text));
    }
    CHECK_FALSE(parse_image_reference(std::string(513, 'a')));
    CHECK_FALSE(parse_image_reference(std::string("a\0b", 3)));
}

TEST_CASE("ImageReference: the engine lists images of Docker's own registry by their short names") {
    const auto familiar = [](std::string_view text) {
        return parse_image_reference(text).value().familiar_text();
    };
    CHECK(familiar("x") == "x:latest");
    CHECK(familiar("docker.io/x:1") == "x:1");
    CHECK(familiar("docker.io/library/x:1") == "x:1");
    CHECK(familiar("index.docker.io/user/x") == "user/x:latest");
    CHECK(familiar("library/x@sha256:ab") == "x@sha256:ab");
    CHECK(familiar("reg:5000/library/x:1") == "reg:5000/library/x:1");
}
