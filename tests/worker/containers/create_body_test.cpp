#include "worker/containers/docker/create_body.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace stoker;
using nlohmann::json;

namespace {

ContainerSpec spec() {
    ContainerSpec made;
    made.name = "c1";
    made.image = "img";
    made.memory_mb = 128;
    return made;
}

json body_of(const ContainerSpec& given, CreateOptions options = {}) {
    return json::parse(create_body(given, options));
}

}  // namespace

TEST_CASE("create body: the confinement is the same for every container") {
    const auto host = body_of(spec())["HostConfig"];
    CHECK(host["Memory"] == 134217728);
    CHECK(host["MemorySwap"] == 134217728);
    CHECK(host["MemorySwappiness"] == 0);
    CHECK(host["ReadonlyRootfs"] == true);
    CHECK(host["Tmpfs"] == json{{"/tmp", ""}});
    CHECK(host["Init"] == true);
    CHECK(host["CapDrop"] == json{"ALL"});
    CHECK(host["SecurityOpt"] == json{"no-new-privileges"});
    CHECK(host["PidsLimit"] == 50);
    CHECK(host["LogConfig"] == json{{"Type", "none"}});
    CHECK(host["Ulimits"].size() == 4);
    CHECK(host["Ulimits"][0] == json{{"Name", "nofile"}, {"Soft", 350}, {"Hard", 350}});
    CHECK_FALSE(host.contains("NetworkMode"));
    CHECK_FALSE(host.contains("Privileged"));
    CHECK(body_of(spec())["User"] == "1000:1000");
    CHECK_FALSE(body_of(spec(), {.swappiness = false})["HostConfig"].contains("MemorySwappiness"));
}

TEST_CASE("create body: entrypoint and cmd are left to the image unless given") {
    CHECK_FALSE(body_of(spec()).contains("Entrypoint"));
    CHECK_FALSE(body_of(spec()).contains("Cmd"));
    auto given = spec();
    given.entrypoint = {{"/.stoker-init"}};
    given.cmd = {{"a", "b c"}};
    CHECK(body_of(given)["Entrypoint"] == json{"/.stoker-init"});
    CHECK(body_of(given)["Cmd"] == json{"a", "b c"});
}

TEST_CASE("create body: environment, labels and binds arrive as they are") {
    auto given = spec();
    given.env = {"A=1", "B=\"quoted\" \xff"};
    given.labels = {{label_instance, "i"}, {label_call, "c"}};
    given.binds = {{"/host/a:b", "/tmp/iofs", false}, {"/host/init", "/.stoker-init", true}};
    const auto body = body_of(given);
    CHECK(body["Env"] == json{"A=1", "B=\"quoted\" \xef\xbf\xbd"});
    CHECK(body["Labels"] == json{{"stoker.instance", "i"}, {"stoker.call", "c"}});
    const auto& mounts = body["HostConfig"]["Mounts"];
    CHECK(mounts[0]["Source"] == "/host/a:b");
    CHECK(mounts[0]["Target"] == "/tmp/iofs");
    CHECK(mounts[0]["ReadOnly"] == false);
    CHECK(mounts[1]["ReadOnly"] == true);
}

TEST_CASE("create body: a container in another's network has no hostname of its own") {
    auto given = spec();
    CHECK(body_of(given)["Hostname"] == "c1");
    given.network = "none";
    CHECK(body_of(given)["Hostname"] == "c1");
    CHECK(body_of(given)["HostConfig"]["NetworkMode"] == "none");
    given.network = "container:abc";
    CHECK_FALSE(body_of(given).contains("Hostname"));
}

TEST_CASE("create body: stdin is closed unless asked for") {
    CHECK(body_of(spec())["OpenStdin"] == false);
    auto given = spec();
    given.open_stdin = true;
    CHECK(body_of(given)["OpenStdin"] == true);
    CHECK(body_of(given)["StdinOnce"] == true);
}
