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

TEST_CASE("create body: each limit can be set, and left to the engine by 0") {
    auto given = spec();
    given.confinement = {
        .pids_max = 7,
        .open_files_max = 8,
        .locked_memory_bytes_max = 9,
        .pending_signals_max = 10,
        .message_queue_bytes_max = 11,
        .root_bytes_max = 4096
    };
    const auto set = body_of(given)["HostConfig"];
    CHECK(set["PidsLimit"] == 7);
    CHECK(set["StorageOpt"] == json{{"size", "4096"}});
    const std::vector<std::pair<std::string, int>> limits{
        {"nofile", 8}, {"memlock", 9}, {"sigpending", 10}, {"msgqueue", 11}
    };
    REQUIRE(set["Ulimits"].size() == limits.size());
    for (std::size_t i = 0; i < limits.size(); ++i) {
        const auto& [name, value] = limits[i];
        CHECK(set["Ulimits"][i] == json{{"Name", name}, {"Soft", value}, {"Hard", value}});
    }

    given.confinement = {
        .pids_max = 0,
        .open_files_max = 0,
        .locked_memory_bytes_max = 0,
        .pending_signals_max = 0,
        .message_queue_bytes_max = 0
    };
    const auto unset = body_of(given)["HostConfig"];
    CHECK_FALSE(unset.contains("PidsLimit"));
    CHECK_FALSE(unset.contains("StorageOpt"));
    CHECK(unset["Ulimits"] == json::array());
}

TEST_CASE("create body: privileges and a writable root only where both are asked for") {
    auto given = spec();
    given.confinement.keep_privileges = true;
    CHECK_FALSE(body_of(given).contains("User"));
    CHECK_FALSE(body_of(given)["HostConfig"].contains("CapDrop"));
    CHECK_FALSE(body_of(given)["HostConfig"].contains("SecurityOpt"));
    CHECK(body_of(given)["HostConfig"]["ReadonlyRootfs"] == true);
    given = spec();
    given.confinement.writable_root = true;
    CHECK(body_of(given)["User"] == "1000:1000");
    CHECK(body_of(given)["HostConfig"]["ReadonlyRootfs"] == false);
    CHECK_FALSE(body_of(given)["HostConfig"].contains("Tmpfs"));
}

TEST_CASE("create body: /tmp has the function's size and the worker's number of files") {
    auto given = spec();
    given.confinement.tmpfs_inodes_max = 100;
    CHECK(body_of(given)["HostConfig"]["Tmpfs"] == json{{"/tmp", ""}});  // no size: the engine's
    given.tmpfs_mb = 16;
    CHECK(body_of(given)["HostConfig"]["Tmpfs"] == json{{"/tmp", "size=16m,nr_inodes=100"}});
    given.confinement.tmpfs_inodes_max = 0;
    given.confinement.writable_root = true;
    CHECK(body_of(given)["HostConfig"]["Tmpfs"] == json{{"/tmp", "size=16m"}});
}

TEST_CASE("create body: processors become a quota and a share") {
    CHECK_FALSE(body_of(spec())["HostConfig"].contains("CpuQuota"));
    auto given = spec();
    given.milli_cpus = 1500;
    const auto host = body_of(given)["HostConfig"];
    CHECK(host["CpuQuota"] == 150'000);
    CHECK(host["CpuPeriod"] == 100'000);
    CHECK(host["CpuShares"] == 1536);
    given.milli_cpus = 1;
    CHECK(body_of(given)["HostConfig"]["CpuShares"] == 2);  // the least there is
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
