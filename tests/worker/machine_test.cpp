#include "worker/machine.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace stoker;
namespace fs = std::filesystem;

namespace {

/// A root folder with the few files that tell how much memory there is.
class FakeRoot {
public:
    FakeRoot() {
        std::string name = (fs::temp_directory_path() / "stoker-root-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~FakeRoot() { fs::remove_all(path_); }
    FakeRoot(const FakeRoot&) = delete;
    FakeRoot& operator=(const FakeRoot&) = delete;

    void put(const std::string& file, const std::string& text) const {
        fs::create_directories((path_ / file).parent_path());
        std::ofstream(path_ / file) << text;
    }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

constexpr const char* meminfo_10_gib = "MemTotal: 16777216 kB\nMemAvailable:   10485760 kB\n";

}  // namespace

TEST_CASE("detect_memory_mb: MemAvailable less a tenth") {
    const FakeRoot root;
    root.put("proc/meminfo", meminfo_10_gib);
    CHECK(detect_memory_mb(root.path(), 0) == 9216);
}

TEST_CASE("detect_memory_mb: the tightest cgroup v1 limit on the way to the root wins") {
    const FakeRoot root;
    root.put("proc/meminfo", meminfo_10_gib);
    root.put("proc/self/cgroup", "5:memory:/outer/inner\n3:cpu:/outer\n");
    root.put("sys/fs/cgroup/memory/outer/inner/memory.limit_in_bytes", "9223372036854771712\n");
    root.put("sys/fs/cgroup/memory/outer/memory.limit_in_bytes", "4294967296\n");
    CHECK(detect_memory_mb(root.path(), 0) == 4096 - 410);
}

TEST_CASE("detect_memory_mb: a cgroup v2 limit, and max for none") {
    const FakeRoot root;
    root.put("proc/meminfo", meminfo_10_gib);
    root.put("proc/self/cgroup", "0::/box\n");
    root.put("sys/fs/cgroup/box/memory.max", "max\n");
    CHECK(detect_memory_mb(root.path(), 0) == 9216);
    root.put("sys/fs/cgroup/box/memory.max", "2147483648\n");
    CHECK(detect_memory_mb(root.path(), 0) == 2048 - 256);
}

TEST_CASE("detect_memory_mb: the setting limits but never raises") {
    const FakeRoot root;
    root.put("proc/meminfo", meminfo_10_gib);
    CHECK(detect_memory_mb(root.path(), 1000) == 1000);
    CHECK(detect_memory_mb(root.path(), 100'000) == 9216);
}

TEST_CASE("detect_memory_mb: nothing usable is an error") {
    const FakeRoot root;
    CHECK_FALSE(detect_memory_mb(root.path(), 0));
    root.put("proc/meminfo", "MemAvailable: 204800 kB\n");
    CHECK_FALSE(detect_memory_mb(root.path(), 0));
}

TEST_CASE("detect_memory_mb: version 1 and 2 side by side, the limit may stand in either") {
    const FakeRoot root;
    root.put("proc/meminfo", meminfo_10_gib);
    root.put("proc/self/cgroup", "5:memory:/box\n1:name=systemd:/box\n0::/slice/box\n");
    root.put("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n");
    root.put("sys/fs/cgroup/unified/slice/memory.max", "3221225472\n");
    root.put("sys/fs/cgroup/unified/slice/box/memory.max", "max\n");
    CHECK(detect_memory_mb(root.path(), 0) == 3072 - 308);
    root.put("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "2147483648\n");
    CHECK(detect_memory_mb(root.path(), 0) == 2048 - 256);
}

TEST_CASE("detect_memory_mb: in a container our own cgroup is mounted as the root") {
    const FakeRoot root;
    root.put("proc/meminfo", meminfo_10_gib);
    root.put("sys/fs/cgroup/memory/memory.limit_in_bytes", "4294967296\n");
    root.put("proc/self/cgroup", "9:memory:/docker/0123\n");
    CHECK(detect_memory_mb(root.path(), 0) == 4096 - 410);
    root.put("sys/fs/cgroup/memory.max", "2147483648\n");
    root.put("proc/self/cgroup", "0::/\n");
    CHECK(detect_memory_mb(root.path(), 0) == 2048 - 256);
}

TEST_CASE("detect_memory_mb: what no machine has is no limit") {
    const FakeRoot root;
    root.put("proc/meminfo", meminfo_10_gib);
    root.put("proc/self/cgroup", "0::/\n");
    for (const auto* text :
         {"9223372036854775807",
          "18446744073709551615",
          "99999999999999999999999",
          "322122547201",
          "0",
          "-1",
          "4096x",
          "",
          "\n"}) {
        CAPTURE(text);
        root.put("sys/fs/cgroup/memory.max", text);
        CHECK(detect_memory_mb(root.path(), 0) == 9216);
    }
    root.put("sys/fs/cgroup/memory.max", "322122547200");  // 300 GiB, more than there is
    CHECK(detect_memory_mb(root.path(), 0) == 9216);
}

TEST_CASE("detect_memory_mb: a /proc/meminfo that makes no sense is an error") {
    const FakeRoot root;
    for (const auto* text :
         {"MemAvailable:",
          "MemAvailable: many kB",
          "MemAvailable: -5 kB",
          "MemAvailable: 9999999999999999999 kB",
          "MemFree: 10485760 kB"}) {
        CAPTURE(text);
        root.put("proc/meminfo", text);
        CHECK_FALSE(detect_memory_mb(root.path(), 0));
    }
}

TEST_CASE("detect_milli_cpus: the cores, unless a quota or the setting is less") {
    const FakeRoot root;
    CHECK(detect_milli_cpus(root.path(), 4, 0) == 4000);
    CHECK(detect_milli_cpus(root.path(), 0, 0) == 1000);
    CHECK(detect_milli_cpus(root.path(), 4, 2500) == 2500);
    CHECK(detect_milli_cpus(root.path(), 4, 9000) == 4000);
}

TEST_CASE("detect_milli_cpus: the tightest quota of version 2") {
    const FakeRoot root;
    root.put("proc/self/cgroup", "0::/outer/inner\n");
    root.put("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
    CHECK(detect_milli_cpus(root.path(), 4, 0) == 4000);
    root.put("sys/fs/cgroup/outer/cpu.max", "150000 100000\n");
    CHECK(detect_milli_cpus(root.path(), 4, 0) == 1500);
    for (const auto* text :
         {"", "150000", "150000 0", "150000 x", "-1 100000", "9223372036854775807 1"}) {
        CAPTURE(text);
        root.put("sys/fs/cgroup/outer/cpu.max", text);
        CHECK(detect_milli_cpus(root.path(), 4, 0) == 4000);
    }
    root.put("sys/fs/cgroup/outer/cpu.max", "1 1000000\n");
    CHECK(detect_milli_cpus(root.path(), 4, 0) == 1);
}

TEST_CASE("detect_milli_cpus: the quota of version 1, whatever controllers are mounted with it") {
    const FakeRoot root;
    root.put("proc/self/cgroup", "3:cpu,cpuacct:/box\n0::/\n");
    root.put("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us", "-1\n");
    root.put("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
    CHECK(detect_milli_cpus(root.path(), 4, 0) == 4000);
    root.put("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us", "50000\n");
    CHECK(detect_milli_cpus(root.path(), 4, 0) == 500);
}
