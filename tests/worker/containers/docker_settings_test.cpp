// What a function finds itself confined to, seen from inside and told by the engine.

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <filesystem>
#include <sstream>

#include "common/http/client.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/worker/containers/docker_fixture.hpp"

using namespace stoker;
using namespace stoker::test;

namespace {

/// The probe's report as lines; a value is what follows "key=" on the first line that has it.
class Report {
public:
    explicit Report(const std::string& text) {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) lines_.push_back(line);
    }
    std::string value(const std::string& key) const {
        for (const auto& line : lines_) {
            if (line.starts_with(key + "=")) return line.substr(key.size() + 1);
        }
        return "<no " + key + ">";
    }
    /// The value of a field of /proc/self/status.
    std::string status(const std::string& field) const {
        const auto start = "status=" + field + ":\t";
        for (const auto& line : lines_) {
            if (line.starts_with(start)) return line.substr(start.size());
        }
        return "<no " + field + ">";
    }
    /// The mount on a path, as type and options.
    std::string mount(const std::string& path) const {
        for (const auto& line : lines_) {
            if (line.starts_with("mounts=") && line.contains(" " + path + " ")) {
                return line.substr(line.find(" " + path + " ") + path.size() + 2);
            }
        }
        return "<no mount on " + path + ">";
    }

private:
    std::vector<std::string> lines_;
};

nlohmann::json inspect_raw(const std::string& id) {
    const auto ask = [](std::string target) -> Task<std::string> {
        const HttpClient client(docker_address());
        HttpRequest request;
        request.target = std::move(target);
        co_return (co_await client.request(std::move(request), soon())).value().body;
    };
    return nlohmann::json::parse(run(ask("/v1.41/containers/" + id + "/json")));
}

}  // namespace

TEST_CASE("DockerDriver: a function sees what unprivileged containers are allowed") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const TempDir folder;  // open to the container's user, as the agent's socket folders are
    REQUIRE(::chmod(folder.path().c_str(), 0777) == 0);
    auto spec = docker.spec({"report"});
    spec.binds = {{folder.path(), "/tmp/iofs", false}};
    const auto name = spec.name;
    const auto output = docker.run_to_end(std::move(spec));
    CAPTURE(output.out);
    const Report report(output.out);
    CHECK(report.value("uid") == "1000");
    CHECK(report.value("gid") == "1000");
    CHECK(report.value("hostname") == name);
    for (const auto* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
        CAPTURE(set);
        CHECK(report.status(set) == "0000000000000000");
    }
    CHECK(report.status("NoNewPrivs") == "1");
    CHECK(report.value("init").contains("init"));
    CHECK(report.value("pid") != "1");
    CHECK(report.value("write_root") == "EROFS");
    CHECK(report.value("write_tmp") == "yes");
    CHECK(report.value("nofile") == "350/350");
    CHECK(report.value("memlock") == "65536/65536");
    CHECK(report.value("sigpending") == "5000/5000");
    CHECK(report.value("msgqueue") == "819200/819200");

    // The socket folder lies on top of the tmpfs, and a file made inside is there outside.
    CHECK(report.mount("/tmp").starts_with("tmpfs rw,nosuid,nodev,noexec"));
    CHECK(report.value("write_iofs") == "yes");
    CHECK(std::filesystem::exists(folder.path() / "from-inside"));
}

TEST_CASE("DockerDriver: memory, processors and /tmp are bounded as seen from inside") {
    REQUIRE_DOCKER
    DockerFixture docker;
    auto spec = docker.spec({"report"});
    spec.milli_cpus = 500;
    spec.tmpfs_mb = 8;
    spec.confinement.tmpfs_inodes_max = 100;
    const Report report(docker.run_to_end(std::move(spec)).out);
    const auto either = [&](const std::string& one, const std::string& other) {
        return report.value(one) == "absent" ? report.value(other) : report.value(one);
    };
    CHECK(either("memory_limit", "memory_max") == std::to_string(64 * 1024 * 1024));
    CHECK(either("cpu_quota", "cpu_max").starts_with("50000"));
    CHECK(report.mount("/tmp").contains("size=8192k"));
    CHECK(report.mount("/tmp").contains("nr_inodes=100"));
    CHECK(report.mount("/tmp").starts_with("tmpfs rw,nosuid,nodev,noexec"));
}

TEST_CASE("DockerDriver: what is switched off is off, and other limits hold") {
    REQUIRE_DOCKER
    DockerFixture docker;
    auto spec = docker.spec({"report"});
    spec.confinement.writable_root = true;
    spec.confinement.keep_privileges = true;
    spec.confinement.open_files_max = 99;
    spec.confinement.pending_signals_max = 77;
    const Report report(docker.run_to_end(std::move(spec)).out);
    CHECK(report.value("uid") == "0");  // the image names no user
    CHECK(report.value("write_root") == "yes");
    CHECK(report.status("CapBnd") != "0000000000000000");
    CHECK(report.status("NoNewPrivs") == "0");
    CHECK(report.value("nofile") == "99/99");
    CHECK(report.value("sigpending") == "77/77");
    CHECK(report.value("memlock") == "65536/65536");

    auto few = docker.spec({"forks"});
    few.confinement.pids_max = 10;
    CHECK(Report(docker.run_to_end(std::move(few)).out).value("children") == "8");
}

TEST_CASE("DockerDriver: a container joins the network that it is given") {
    REQUIRE_DOCKER
    DockerFixture docker;
    auto spec = docker.spec({"sleep"});
    spec.network = "bridge";
    CHECK(inspect_raw(docker.create(spec))["HostConfig"]["NetworkMode"] == "bridge");
    auto nowhere = docker.spec({"sleep"});
    nowhere.network = "stoker-test-no-such-network";
    const auto id = run(docker.driver.create(nowhere, soon()));
    CHECK_FALSE((id && run(docker.driver.start(*id, soon()))));
}

TEST_CASE("DockerDriver: a read-only bind of a file works in an image without that path") {
    REQUIRE_DOCKER
    DockerFixture docker;
    auto spec = docker.spec({"report"});
    spec.binds = {{compile_static_c(probe_source), "/.program", true}};
    spec.entrypoint = {{"/.program"}};
    const Report report(docker.run_to_end(std::move(spec)).out);
    CHECK(report.value("uid") == "1000");
    CHECK(report.mount("/.program").contains(" ro,"));
}

TEST_CASE("DockerDriver: fifty processes are the limit") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const Report report(docker.run_to_end(docker.spec({"forks"})).out);
    CHECK(report.value("children") == "48");  // with the init and the probe itself
}

TEST_CASE("DockerDriver: a container beyond its memory is killed and inspect says why") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const auto id = docker.create(docker.spec({"hog"}));
    docker.start(id);
    CHECK(docker.wait(id) == ExitStatus{137});
    const auto state = docker.inspect(id);
    REQUIRE(state);
    CHECK(state->oom_killed);
}

TEST_CASE("DockerDriver: the engine has noted every setting") {
    REQUIRE_DOCKER
    DockerFixture docker;
    const auto id = docker.create(docker.spec({"sleep"}));
    const auto seen = inspect_raw(id);
    const auto& host = seen["HostConfig"];
    CHECK(host["Memory"] == 64 * 1024 * 1024);
    CHECK(host["MemorySwap"] == 64 * 1024 * 1024);
    CHECK(host["PidsLimit"] == 50);
    CHECK(host["ReadonlyRootfs"] == true);
    CHECK(host["Init"] == true);
    CHECK(host["CapDrop"] == nlohmann::json({"ALL"}));
    CHECK(host["SecurityOpt"] == nlohmann::json({"no-new-privileges"}));
    CHECK(host["LogConfig"]["Type"] == "none");
    CHECK(host["Tmpfs"].contains("/tmp"));
    CHECK(host["NetworkMode"] == "none");
    CHECK(host["Privileged"] == false);
    const auto& config = seen["Config"];
    CHECK(config["User"] == "1000:1000");
    CHECK(config["AttachStdout"] == false);
    CHECK(config["AttachStderr"] == false);
    CHECK(config["OpenStdin"] == false);
    CHECK(config["Labels"]["stoker.instance"] == docker.instance);
    CHECK(config["Labels"]["stoker.worker"] == "test");
    CHECK(config["Labels"]["stoker.call"] == "none");
}
