#include "worker/memory.hpp"

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

TEST_CASE("pull_credit: the gate closes as soon as more than half of the memory is busy") {
    CHECK(pull_credit(1000, 500, 128, 64) == 1);
    CHECK(pull_credit(1000, 501, 128, 64) == 0);
    // The ancestor computed this difference without a sign, and never closed.
    CHECK(pull_credit(1000, 1000, 128, 64) == 0);
    CHECK(pull_credit(1000, 5000, 128, 64) == 0);
}

TEST_CASE("pull_credit: open, it grants what the free half holds, at least one, at most the limit"
) {
    CHECK(pull_credit(4096, 0, 128, 64) == 16);
    CHECK(pull_credit(4096, 1024, 128, 64) == 8);
    CHECK(pull_credit(4096, 0, 8192, 64) == 1);
    CHECK(pull_credit(1'000'000, 0, 1, 64) == 64);
}

TEST_CASE("MemoryTokens: memory comes back when its token goes") {
    MemoryTokens memory(300);
    auto first = memory.try_take(200);
    REQUIRE(first);
    CHECK_FALSE(memory.try_take(101));
    {
        auto second = memory.try_take(100);
        REQUIRE(second);
        CHECK(memory.free_mb() == 0);
        MemoryTokens::Token moved = std::move(*second);
        CHECK(memory.free_mb() == 0);
    }
    CHECK(memory.free_mb() == 100);
    first.reset();
    CHECK(memory.used_mb() == 0);
    CHECK_FALSE(memory.can_ever_fit(301));
}

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
