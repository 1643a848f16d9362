// The states of DiskSpace, on the disk of the temporary folder: the bound and the reserve are
// chosen to be above or below what it has. A disk that really fills up is in tests/system.

#include "datastore/disk_space.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <filesystem>

#include "tests/support/temp_dir.hpp"

namespace stoker::test {
namespace {

using State = DiskSpace::State;

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

struct Disk {
    TempDir folder;
    Metrics metrics;
    DiskSpaceOptions options{
        .reserve_bytes = mib, .free_bytes_min = mib, .look_every = std::chrono::milliseconds(0)
    };
    DiskSpace make() { return {folder.path(), options, metrics}; }

    std::uint64_t blocks_of_reserve() const {
        struct stat status{};
        if (::stat(folder.file("reserve").c_str(), &status) != 0) return 0;
        return static_cast<std::uint64_t>(status.st_blocks) * 512;
    }
    std::uint64_t total() const {
        struct statvfs status{};
        REQUIRE(::statvfs(folder.path().c_str(), &status) == 0);
        return status.f_blocks * status.f_frsize;
    }
};

}  // namespace

TEST_CASE("DiskSpace: with room there is a reserve of real blocks, and calls come in") {
    Disk disk;
    auto space = disk.make();
    space.look();
    CHECK(space.state() == State::enough);
    CHECK(space.reason() == "");
    CHECK(disk.blocks_of_reserve() >= mib);
    CHECK(disk.metrics.render().contains("stoker_disk_reserve_bytes 1048576"));
}

TEST_CASE("DiskSpace: a full disk costs the reserve, and is over when there is room again") {
    Disk disk;
    auto space = disk.make();
    space.look();
    space.ran_out("test");
    CHECK(space.state() == State::full);
    CHECK(space.reason().contains("no space left"));
    CHECK(disk.blocks_of_reserve() == 0);
    CHECK(disk.metrics.render().contains("stoker_disk_reserve_bytes 0"));
    space.ran_out("again");
    CHECK(space.state() == State::full);
    space.look();
    CHECK(space.state() == State::enough);
    CHECK(disk.blocks_of_reserve() >= mib);
}

TEST_CASE("DiskSpace: below the bound no new call comes in, but the reserve stays") {
    Disk disk;
    disk.options.free_bytes_min = disk.total() + 1;
    auto space = disk.make();
    space.look();
    CHECK(space.state() == State::low);
    CHECK(space.reason().contains("too little space"));
    CHECK(disk.blocks_of_reserve() >= mib);
}

TEST_CASE("DiskSpace: without a reserve a full disk is over when anything is free") {
    Disk disk;
    disk.options.reserve_bytes = 0;
    auto space = disk.make();
    space.look();
    CHECK(space.state() == State::enough);
    space.ran_out("test");
    CHECK(space.state() == State::full);
    space.look();
    CHECK(space.state() == State::enough);
    CHECK_FALSE(std::filesystem::exists(disk.folder.file("reserve")));
}

TEST_CASE("DiskSpace: a reserve of another size is replaced") {
    Disk disk;
    disk.make().look();
    disk.options.reserve_bytes = 2 * mib;
    disk.make().look();
    CHECK(std::filesystem::file_size(disk.folder.file("reserve")) == 2 * mib);
}

TEST_CASE("DiskSpace: looks by itself once started") {
    Disk disk;
    disk.options.look_every = std::chrono::milliseconds(1);
    auto space = disk.make();
    space.start();
    space.ran_out("test");
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (space.state() != State::enough && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    CHECK(space.state() == State::enough);
    space.stop();
}

}  // namespace stoker::test
