#include "worker/containers/cgroup/cgroup.hpp"

#include <doctest/doctest.h>

#include "tests/support/run.hpp"
#include "tests/support/temp_dir.hpp"
#include "worker/containers/cgroup/cgroup_text.hpp"
#include "worker/containers/cgroup/container_cgroups.hpp"

using namespace stoker;
using namespace stoker::test;
using namespace std::chrono_literals;

namespace {

const std::string id = "c0ffee0123456789";

/// A machine's /proc and /sys as files, with one container in it whose process is 42.
class Machine {
public:
    static Machine version_1() {
        Machine made;
        made.mount("/", "freezer", "cgroup", "rw,freezer");
        made.mount("/", "cpu,cpuacct", "cgroup", "rw,cpu,cpuacct");
        made.mount("/", "memory", "cgroup", "rw,memory");
        made.mount("/", "blkio", "cgroup", "rw,blkio");
        made.process(
            "9:name=systemd:/docker/" + id + "\n7:blkio:/docker/" + id + "\n6:freezer:/docker/" +
            id + "\n4:memory:/docker/" + id + "\n2:cpu,cpuacct:/docker/" + id + "\n0::/\n"
        );
        made.write_freezer_1("sys/fs/cgroup/freezer/docker/" + id);
        made.write("sys/fs/cgroup/cpu,cpuacct/docker/" + id + "/cpuacct.usage", "1500000000\n");
        made.write("sys/fs/cgroup/memory/docker/" + id + "/memory.max_usage_in_bytes", "4096\n");
        made.write(
            "sys/fs/cgroup/blkio/docker/" + id + "/blkio.throttle.io_service_bytes",
            "8:0 Read 100\n8:0 Write 20\n8:0 Total 120\n8:16 Read 1\n8:16 Write 2\nTotal 123\n"
        );
        return made;
    }
    static Machine version_2() {
        Machine made;
        made.mount("/", "", "cgroup2", "rw,nsdelegate");
        made.process("0::/system.slice/docker-" + id + ".scope\n");
        const auto folder = "sys/fs/cgroup/system.slice/docker-" + id + ".scope";
        made.write(folder + "/cgroup.freeze", "0\n");
        made.write(folder + "/cgroup.events", "populated 1\nfrozen 0\n");
        made.write(folder + "/cpu.stat", "usage_usec 1500000\nuser_usec 1\nsystem_usec 2\n");
        made.write(folder + "/memory.peak", "4096\n");
        made.write(
            folder + "/io.stat",
            "8:0 rbytes=100 wbytes=20 rios=1 wios=1 dbytes=7 dios=0\n8:16 rbytes=1 wbytes=2\n"
        );
        return made;
    }

    void mount(
        const std::string& mounted,
        const std::string& under,
        const std::string& type,
        const std::string& options
    ) {
        mounts_ += "30 29 0:26 " + mounted + " /sys/fs/cgroup" +
                   (under.empty() ? "" : "/" + under) + " rw,relatime shared:9 - " + type +
                   " cgroup " + options + "\n";
        write("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + mounts_);
    }
    void process(const std::string& groups) {
        write("proc/42/cgroup", groups);
        write(
            "proc/42/net/dev",
            "Inter-|   Receive                       |  Transmit\n"
            " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
            "    lo:    7000      70    0    0    0     0          0         0     7000      70\n"
            "  eth0:    1000      10    0    0    0     0          0         0      200       2\n"
            "  eth1:       5       1    0    0    0     0          0         0        6       1\n"
        );
    }
    void write_freezer_1(const std::string& folder) {
        write(folder + "/freezer.state", "THAWED\n");
    }

    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((folder_->path() / name).parent_path());
        folder_->write(name, text);
    }
    std::string read(const std::string& name) const {
        std::ifstream file(folder_->path() / name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::filesystem::path root() const { return folder_->path(); }
    std::shared_ptr<const Cgroup> find(const std::string& container = id) const {
        return Cgroup::find(CgroupMounts::read(root()), 42, container, root());
    }

private:
    std::unique_ptr<TempDir> folder_ = std::make_unique<TempDir>();
    std::string mounts_;
};

const std::string state_1 = "sys/fs/cgroup/freezer/docker/" + id + "/freezer.state";
const std::string scope_2 = "sys/fs/cgroup/system.slice/docker-" + id + ".scope/";

constexpr ContainerStats expected_stats{
    .cpu = 1500ms,
    .memory_peak_bytes = 4096,
    .disk_read_bytes = 101,
    .disk_written_bytes = 22,
    .net_received_bytes = 1005,
    .net_sent_bytes = 206,
};

}  // namespace

TEST_CASE("Cgroup: version 1 is frozen and thawed through freezer.state") {
    const auto machine = Machine::version_1();
    const auto cgroup = machine.find();
    REQUIRE(cgroup);
    CHECK_FALSE(cgroup->is_frozen());
    // A plain file shows at once what was written into it, as the kernel does when all stand still.
    CHECK(run(cgroup->freeze(deadline_in(10s))));
    CHECK(machine.read(state_1).starts_with("FROZEN"));
    CHECK(cgroup->is_frozen());
    CHECK(cgroup->thaw());
    CHECK(machine.read(state_1).starts_with("THAWED"));
    CHECK_FALSE(cgroup->is_frozen());
}

TEST_CASE("Cgroup: version 2 is frozen once cgroup.events says so") {
    const auto machine = Machine::version_2();
    const auto cgroup = machine.find();
    REQUIRE(cgroup);
    machine.write(scope_2 + "cgroup.events", "populated 1\nfrozen 1\n");
    CHECK(run(cgroup->freeze(deadline_in(10s))));
    CHECK(machine.read(scope_2 + "cgroup.freeze").starts_with("1"));
    CHECK(cgroup->is_frozen());
    CHECK(cgroup->thaw());
    CHECK(machine.read(scope_2 + "cgroup.freeze").starts_with("0"));
}

TEST_CASE("Cgroup: what does not stand still by the deadline is an error and not left half frozen"
) {
    const auto machine = Machine::version_2();  // whose events file never says frozen
    const auto cgroup = machine.find();
    REQUIRE(cgroup);
    const auto frozen = run(cgroup->freeze(deadline_in(2ms)));
    REQUIRE_FALSE(frozen);
    CHECK(frozen.error().detail.contains("does not freeze"));
    CHECK_FALSE(cgroup->is_frozen());
}

TEST_CASE("Cgroup: both versions count the same things") {
    CHECK(Machine::version_1().find()->stats() == expected_stats);
    CHECK(Machine::version_2().find()->stats() == expected_stats);
}

TEST_CASE("Cgroup: with both versions mounted the freezer's own hierarchy is used") {
    auto machine = Machine::version_1();
    machine.mount("/", "unified", "cgroup2", "rw");
    machine.process("6:freezer:/docker/" + id + "\n0::/docker/" + id + "\n");
    machine.write("sys/fs/cgroup/unified/docker/" + id + "/cgroup.freeze", "0\n");
    machine.write("sys/fs/cgroup/unified/docker/" + id + "/cpu.stat", "usage_usec 7\n");
    const auto cgroup = machine.find();
    REQUIRE(cgroup);
    CHECK(run(cgroup->freeze(deadline_in(10s))));
    CHECK(machine.read(state_1).starts_with("FROZEN"));
    CHECK(cgroup->stats().cpu == 7us);  // which is where this container's processor is counted
}

TEST_CASE("Cgroup: a group whose path does not name the container is never touched") {
    const auto machine = Machine::version_1();
    CHECK_FALSE(machine.find("another"));
    CHECK_FALSE(machine.find(""));
    auto stranger = Machine::version_1();
    stranger.process("6:freezer:/\n0::/\n");  // an engine elsewhere, whose pid 42 is not ours
    CHECK_FALSE(stranger.find());
}

TEST_CASE("Cgroup: what is not mounted here, or not there, is out of reach") {
    SUBCASE("no control groups") {
        Machine machine;
        machine.process("6:freezer:/docker/" + id + "\n");
        CHECK_FALSE(machine.find());
    }
    SUBCASE("the group is gone") {
        Machine machine;
        machine.mount("/", "freezer", "cgroup", "rw,freezer");
        machine.process("6:freezer:/docker/" + id + "\n");
        CHECK_FALSE(machine.find());
    }
    SUBCASE("no such process") {
        const Machine machine;
        CHECK_FALSE(machine.find());
    }
    SUBCASE("outside of our namespace") {
        Machine machine;
        machine.mount("/", "", "cgroup2", "rw");
        machine.process("0::/../docker/" + id + "\n");
        machine.write("sys/fs/docker/" + id + "/cgroup.freeze", "0\n");
        CHECK_FALSE(machine.find());
    }
}

TEST_CASE("Cgroup: only a part of the hierarchy may be mounted") {
    Machine machine;
    machine.mount("/outer", "freezer", "cgroup", "rw,freezer");
    machine.process("6:freezer:/outer/docker/" + id + "\n");
    machine.write_freezer_1("sys/fs/cgroup/freezer/docker/" + id);
    CHECK(machine.find());
    machine.process("6:freezer:/outermost/docker/" + id + "\n");
    CHECK_FALSE(machine.find());
}

TEST_CASE("ContainerCgroups: a container is looked for once, and forgotten when it goes") {
    const auto machine = Machine::version_1();
    ContainerCgroups cgroups(machine.root());
    CHECK_FALSE(cgroups.known(id));
    cgroups.started(id);
    REQUIRE(cgroups.known(id));
    CHECK_FALSE(cgroups.known(id)->looked_for);
    CHECK(cgroups.look_for(id, {42, id}));
    CHECK(cgroups.known(id)->looked_for);
    CHECK(cgroups.known(id)->cgroup);
    cgroups.froze(id, true);
    CHECK(cgroups.known(id)->frozen);
    cgroups.forget(id);
    CHECK_FALSE(cgroups.known(id));
    CHECK(cgroups.look_for("by-name", {42, id}));
    CHECK(cgroups.known("by-name")->cgroup);
    cgroups.froze(id, true);  // a late word about one that is gone
    CHECK_FALSE(cgroups.known(id));
}

TEST_CASE("ContainerCgroups: without a root nothing is in reach") {
    ContainerCgroups cgroups("");
    CHECK_FALSE(cgroups.look_for(id, {1, id}));
    CHECK(cgroups.known(id)->looked_for);
}

TEST_CASE("cgroup text: numbers where they should be, zero where they are not") {
    CHECK(number_after("12\n", "") == 12);
    CHECK(number_after("a 1\nfrozen 1\n", "frozen ") == 1);
    CHECK(number_after("max\n", "") == 0);
    CHECK(number_after("", "x") == 0);
    CHECK(sum_after("", "x") == 0);
    CHECK(sum_after("r=1 r=2 r=", "r=") == 3);
    CHECK(traffic_of("").received == 0);
    CHECK(traffic_of("eth0:5").received == 5);
    CHECK(traffic_of("eth0:5").sent == 0);
}
