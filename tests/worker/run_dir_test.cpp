#include "worker/run_dir.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace stoker;
namespace fs = std::filesystem;

namespace {

struct Fixture {
    Fixture() {
        std::string name = (fs::temp_directory_path() / "stoker-run-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        base = name;
    }
    ~Fixture() { fs::remove_all(base); }

    std::string base;
};

/// Listens at the path, as a function would.
UniqueFd listen_at(const fs::path& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd.get(), 8) == 0);
    return fd;
}

}  // namespace

TEST_CASE_FIXTURE(
    Fixture, "RunDir: ours alone, with the helper in it and nothing of an earlier life"
) {
    fs::create_directories(base + "/me/old-container");
    const auto dir = RunDir::open(base, "", "me");
    REQUIRE(dir);
    CHECK_FALSE(fs::exists(base + "/me/old-container"));
    struct stat info{};
    REQUIRE(::stat((base + "/me").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0700);
    REQUIRE(::stat(dir->init_engine_path().c_str(), &info) == 0);
    CHECK((info.st_mode & 0111) != 0);
    CHECK(info.st_size > 0);
}

TEST_CASE_FIXTURE(Fixture, "RunDir: other instances' folders are left alone") {
    fs::create_directories(base + "/other/container");
    REQUIRE(RunDir::open(base, "", "me"));
    CHECK(fs::exists(base + "/other/container"));
}

TEST_CASE_FIXTURE(Fixture, "RunDir: a base that cannot be made is an error that names it") {
    std::ofstream(base + "/file") << "x";
    const auto dir = RunDir::open(base + "/file/run", "", "me");
    REQUIRE_FALSE(dir);
    CHECK(dir.error().message.contains("/file/run"));
}

TEST_CASE_FIXTURE(
    Fixture, "SocketFolder: open to the container, engine path apart, gone with its owner"
) {
    const auto dir = RunDir::open(base, "/seen/by/engine", "me");
    REQUIRE(dir);
    std::string path;
    {
        auto folder = dir->make_folder("c1");
        REQUIRE(folder);
        path = folder->path();
        CHECK(folder->engine_path() == "/seen/by/engine/me/c1");
        struct stat info{};
        REQUIRE(::stat(path.c_str(), &info) == 0);
        CHECK((info.st_mode & 0777) == 0777);
        std::ofstream(path + "/left-over") << "x";
    }
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE_FIXTURE(
    Fixture, "SocketFolder: finds a socket, directly or by a link in the same folder"
) {
    const auto dir = RunDir::open(base, "", "me");
    auto folder = dir->make_folder("c1");
    REQUIRE(folder);
    const fs::path path = folder->path();
    auto found = folder->find_socket();
    REQUIRE(found);
    CHECK_FALSE(found->has_value());

    const auto listener = listen_at(path / "phony");
    SUBCASE("renamed into place") { fs::rename(path / "phony", path / "lsnr.sock"); }
    SUBCASE("a relative link") { fs::create_symlink("phony", path / "lsnr.sock"); }
    SUBCASE("a relative link with a dot") { fs::create_symlink("./phony", path / "lsnr.sock"); }
    found = folder->find_socket();
    REQUIRE(found);
    REQUIRE(found->has_value());
    CHECK(connect_to(**found));
}

TEST_CASE_FIXTURE(
    Fixture, "SocketFolder: refuses whatever leads out of the folder or is no socket"
) {
    const auto dir = RunDir::open(base, "", "me");
    auto folder = dir->make_folder("c1");
    REQUIRE(folder);
    const fs::path path = folder->path();
    const auto outside = listen_at(base + "/outside.sock");

    SUBCASE("an absolute link") { fs::create_symlink(base + "/outside.sock", path / "lsnr.sock"); }
    SUBCASE("a link upwards") { fs::create_symlink("../../outside.sock", path / "lsnr.sock"); }
    SUBCASE("a link to the folder above") { fs::create_symlink("..", path / "lsnr.sock"); }
    SUBCASE("a link to a link") {
        fs::create_symlink("second", path / "lsnr.sock");
        fs::create_symlink(base + "/outside.sock", path / "second");
    }
    SUBCASE("a plain file") { std::ofstream(path / "lsnr.sock") << "x"; }
    SUBCASE("a folder") { fs::create_directory(path / "lsnr.sock"); }
    SUBCASE("a link to a plain file") {
        std::ofstream(path / "file") << "x";
        fs::create_symlink("file", path / "lsnr.sock");
    }
    const auto found = folder->find_socket();
    REQUIRE_FALSE(found);
    CHECK(found.error().code == Errc::init_failed);
}

TEST_CASE_FIXTURE(Fixture, "connect_to: a socket swapped after it was found changes nothing") {
    const auto dir = RunDir::open(base, "", "me");
    auto folder = dir->make_folder("c1");
    REQUIRE(folder);
    const fs::path path = folder->path();
    auto mine = listen_at(path / "lsnr.sock");
    const auto found = folder->find_socket();
    REQUIRE(found.value().has_value());
    fs::remove(path / "lsnr.sock");
    const auto other = listen_at(path / "lsnr.sock");
    mine.reset();
    const auto connected = connect_to(**found);
    REQUIRE_FALSE(connected);
    CHECK(connected.error() == ECONNREFUSED);
}
