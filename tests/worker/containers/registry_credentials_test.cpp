#include "worker/containers/docker/registry_credentials.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/base64.hpp"
#include "tests/support/temp_dir.hpp"

using namespace stoker;

namespace {

nlohmann::json account(const RegistryCredentials& credentials, std::string_view image) {
    const auto header = credentials.header_for(image);
    if (header.empty()) return nullptr;
    return nlohmann::json::parse(base64_decode(header).value());
}

RegistryCredentials parsed(std::string_view json) {
    return RegistryCredentials::parse(json, "here").value();
}

}  // namespace

TEST_CASE("RegistryCredentials: an image's registry is the host its name begins with, else Docker's"
) {
    CHECK(registry_of("busybox") == "docker.io");
    CHECK(registry_of("user/image") == "docker.io");
    CHECK(registry_of("docker.io/user/image") == "docker.io");
    CHECK(registry_of("index.docker.io/user/image") == "docker.io");
    CHECK(registry_of("reg.example/image") == "reg.example");
    CHECK(registry_of("reg:5000/a/b") == "reg:5000");
    CHECK(registry_of("localhost/image") == "localhost");
}

TEST_CASE("RegistryCredentials: a config.json in all its notations") {
    const auto credentials = parsed(R"({
        "auths": {
            "reg.example:5000": {"auth": "dXNlcjpwYXNzOndvcmQ="},
            "https://other.example/v2/": {"username": "u", "password": "p\"ä"},
            "token.example": {"auth": "dTo=", "identitytoken": "t"},
            "https://index.docker.io/v1/": {"auth": "aHViOnNlY3JldA=="},
            "empty.example": {}
        },
        "HttpHeaders": {"User-Agent": "x"}
    })");
    CHECK(credentials.size() == 4);
    CHECK_FALSE(credentials.needs_helpers());
    CHECK(
        account(credentials, "reg.example:5000/a/b") ==
        nlohmann::json{
            {"username", "user"}, {"password", "pass:word"}, {"serveraddress", "reg.example:5000"}
        }
    );
    CHECK(account(credentials, "other.example/x")["password"] == "p\"ä");
    CHECK(account(credentials, "token.example/x")["identitytoken"] == "t");
    for (const char* image : {"busybox", "user/image", "docker.io/user/image"}) {
        CAPTURE(image);
        CHECK(account(credentials, image)["username"] == "hub");
        CHECK(account(credentials, image)["serveraddress"] == "https://index.docker.io/v1/");
    }
    CHECK(account(credentials, "reg.example/a").is_null());
    CHECK(account(credentials, "empty.example/a").is_null());
}

TEST_CASE("RegistryCredentials: the older .dockercfg has the registries at its top") {
    const auto credentials = parsed(R"({"reg:5000": {"auth": "dXNlcjpwYXNz", "email": "e"}})");
    CHECK(account(credentials, "reg:5000/a")["password"] == "pass");
}

TEST_CASE("RegistryCredentials: passwords left to helper programs are noticed") {
    CHECK(parsed(R"({"auths": {"a.example": {}}, "credsStore": "desktop"})").needs_helpers());
    CHECK(parsed(R"({"credHelpers": {"a.example": "x"}})").needs_helpers());
    CHECK_FALSE(parsed(R"({"auths": {}, "credsStore": "", "credHelpers": {}})").needs_helpers());
}

TEST_CASE("RegistryCredentials: what is wrong is named by its place and never shown") {
    for (const std::string bad :
         {"",
          "hunter2",
          R"(["hunter2"])",
          R"({"auths": "hunter2"})",
          R"({"auths": {"reg.example": "hunter2"}})",
          R"({"auths": {"reg.example": {"auth": "hunter2!"}}})",
          R"({"auths": {"reg.example": {"auth": "aHVudGVyMg=="}}})"}) {
        CAPTURE(bad);
        const auto refused = RegistryCredentials::parse(bad, "here");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message.starts_with("registry credentials: here "));
        CHECK_FALSE(refused.error().message.contains("hunter2"));
    }
}

TEST_CASE("RegistryCredentials: from the setting, from the file it names, else from the first found"
) {
    const test::TempDir folder;
    const auto first = folder.file("first.json");
    const auto second = folder.write("second.json", R"({"auths": {"second": {"auth": "czpw"}}})");
    const auto load = [&](const std::string& configured) {
        return RegistryCredentials::load(configured, {first, second});
    };
    CHECK(account(load("").value(), "second/x").is_null());  // "second" is no host
    CHECK(load("").value().size() == 1);
    folder.write("first.json", R"({"auths": {}})");
    CHECK(load("").value().size() == 0);
    CHECK(load(second).value().size() == 1);
    CHECK(load(" {\"auths\": {}}").value().size() == 0);
    CHECK_FALSE(load(folder.file("none.json")));
    CHECK(RegistryCredentials::load("", {folder.file("none.json")}).value().size() == 0);
    folder.write("first.json", "broken");
    CHECK(load("").error().message == "registry credentials: " + first + " is not a JSON object");
}
